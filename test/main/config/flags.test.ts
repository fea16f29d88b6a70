// The daemon's command line.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { daemonHelp, parseDaemonFlags, USAGE_EXIT_STATUS } from '../../../src/main/config/flags.ts';
import { NO_FLAGS } from '../../../src/main/config/load-config.ts';

test('parseDaemonFlags() asks for nothing when there are no arguments', () => {
  assert.equal(parseDaemonFlags([]), { kind: 'run', sources: { file: null, flags: NO_FLAGS } });
});

test('parseDaemonFlags() reads every flag, with a blank or "=" before its value', () => {
  const args = ['--config=c', '--root-path', '/r', '--pool-name=-p', '--address', ''];
  const more = ['--admin-address', '/s', '--log-level', 'debug'];
  const flags = { rootPath: '/r', poolName: '-p', address: '', adminAddress: '/s', logLevel: 'debug' };
  assert.equal(parseDaemonFlags([...args, ...more]), {
    kind: 'run',
    sources: { file: 'c', flags },
  });
});

test('parseDaemonFlags() answers help and version before anything else', () => {
  assert.equal(parseDaemonFlags(['--config', 'x', '--help']), { kind: 'help' });
  assert.equal(parseDaemonFlags(['-h', '-v']), { kind: 'help' });
  assert.equal(parseDaemonFlags(['--version']), { kind: 'version' });
  assert.equal(parseDaemonFlags(['-v']), { kind: 'version' });
});

const REFUSED: readonly (readonly [readonly string[], string])[] = [
  [['--confg', 'x'], '"--confg" is no option here (did you mean "--config"?)'],
  [['--poolname=x'], '"--poolname" is no option here (did you mean "--pool-name"?)'],
  [['-c', 'x'], '"-c" is no option here'],
  [['--no-help'], '"--no-help" is no option here (did you mean "--help"?)'],
  [['--__proto__'], '"--__proto__" is no option here'],
  [['start'], '"start" is one argument too many'],
  [['--', '--help'], '"--help" is one argument too many'],
  [['--config'], '--config needs a value: --config FILE'],
  [['--config', '--help'], '--config needs a value, found "--help"; one that begins with "-" goes as --config=FILE'],
  [['--help=yes'], '--help takes no value'],
  [['--config', 'a', '--config', 'b'], '--config is given twice'],
];

for (const [args, message] of REFUSED) {
  test(`parseDaemonFlags() refuses ${args.join(' ')}`, () => {
    const expected = `thinsnapd: ${message}\nSee "thinsnapd --help".`;
    assert.equal(parseDaemonFlags(args), { kind: 'refused', message: expected });
  });
}

test('daemonHelp names every flag that is read', () => {
  const setting = ['--config', '--root-path', '--pool-name', '--address', '--admin-address', '--log-level'];
  for (const flag of [...setting, '--version', '--help']) {
    assert.match(daemonHelp, new RegExp(`^  (-., )?${flag} `, 'm'));
  }
  assert.is(USAGE_EXIT_STATUS, 2);
});

test.run();
