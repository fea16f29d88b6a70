// The commands of `thinsnap` as a person meets them: output, help, exit status.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run, runProgram } from './support.ts';

const test = suite('run-cli');

let dir = '';
let good = '';
let bad = '';
test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-cli-'));
  good = join(dir, 'good.toml');
  bad = join(dir, 'bad.toml');
  await writeFile(good, 'pool_name = "vg-pool"\nworkers = 3\nmount_options = "noatime,discard"\n');
  await writeFile(bad, 'pool_nam = "x"\nworkers = "3"\n');
});
test.after(() => rm(dir, { recursive: true }));

test('thinsnap config check prints "ok" and a summary for a good file', async () => {
  assert.equal(await run('config', 'check', good), {
    status: 0,
    out: `${good}: ok
  kind      thinsnap's own: 3 of 24 settings
  volumes   thin pool vg-pool
  snapshots ext4 of 10GiB
  state in  /var/lib/thinsnap
  socket    /run/thinsnap/thinsnap.sock
  admin     /run/thinsnap/admin.sock
`,
    error: '',
  });
});

test('thinsnap config check prints all mistakes of a bad file and ends with 1', async () => {
  assert.equal(await run('config', 'check', bad), {
    status: 1,
    out: '',
    error: `Cannot use the configuration: 2 mistakes found
${bad}:1:1: Cannot use pool_nam: thinsnap has no such setting (did you mean "pool_name"?)
  1 | pool_nam = "x"
    | ^^^^^^^^
${bad}:2:11: Cannot use workers: expected a whole number from 0 to 256, without quotes, found the text "3"
  2 | workers = "3"
    |           ^^^
`,
  });
});

test('thinsnap config show prints TOML with the origin of each value, aligned', async () => {
  const { status, out, error } = await run('config', 'show', '--config', good, '--log-level=debug');
  assert.is(error, '');
  assert.is(status, 0);
  assert.is(
    out,
    `root_path               = "/var/lib/thinsnap"            # default
address                 = "/run/thinsnap/thinsnap.sock"  # default
admin_address           = "/run/thinsnap/admin.sock"     # default
socket_mode             = "0600"                         # default
socket_group            = ""                             # default
log_level               = "debug"                        # --log-level
volumes                 = "auto"                         # default
pool_name               = "vg-pool"                      # ${good}:1
pool_directory          = "/etc/thinsnap/pools"          # default
device_wait             = 60                             # default
engine                  = "auto"                         # default
workers                 = 3                              # ${good}:2
base_image_size         = "10GiB"                        # default
fs_type                 = "ext4"                         # default
fs_options              = ""                             # default
mount_options           = ["noatime", "discard"]         # ${good}:3
async_remove            = false                          # default
discard_blocks          = false                          # default
min_free_space          = "10%"                          # default
autoextend_threshold    = 80                             # default
autoextend_percent      = 20                             # default
xfs_nospace_max_retries = 0                              # default
standby_per_parent      = 64                             # default
standby_total           = 256                            # default
`,
  );
});

test('thinsnap config show --json prints value and origin of each key', async () => {
  const { out } = await run('config', 'show', '--config', good, '--json');
  const shown: unknown = JSON.parse(out);
  assert.is(typeof shown, 'object');
  assert.match(out, /"workers": \{\n {4}"value": 3,\n {4}"origin": ".*good\.toml:2"\n {2}\}/);
  assert.match(out, /"mount_options": \{\n {4}"value": \[\n {6}"noatime",\n {6}"discard"\n {4}\]/);
});

// What stands on the command line, the exit status, what is printed.
const LINES: readonly (readonly [string, number, RegExp])[] = [
  ['', 2, /^thinsnap: a command is missing\nSee "thinsnap --help"\.\n$/],
  ['confg', 2, /^thinsnap: "confg" is no command here \(did you mean "config"\?\)\n/],
  ['--verbose', 2, /^thinsnap: "--verbose" is no command here\n/],
  ['config', 2, /^thinsnap config: a command is missing\nSee "thinsnap config --help"\.\n$/],
  ['config chek x', 2, /^thinsnap config: "chek" is no command here \(did you mean "check"\?\)\n/],
  ['config check', 2, /^thinsnap config check: FILE is missing\nSee "thinsnap config check --help"\.\n$/],
  ['config check a b', 2, /^thinsnap config check: "b" is one argument too many\n/],
  ['config check --json a', 2, /^thinsnap config check: "--json" is no option here\n/],
  ['config show --jso', 2, /^thinsnap config show: "--jso" is no option here \(did you mean "--json"\?\)\n/],
  ['config show --json --json', 2, /^thinsnap config show: --json is given twice\n/],
  ['config show --address x', 1, /^Cannot use the configuration: 1 mistake found\n--address: Cannot use address: "x"/],
  ['--help', 0, /^thinsnap looks after thinsnapd.*\n\nUsage: thinsnap COMMAND\n\nCommands:\n {2}status {6}show health/],
  [
    'config -h',
    0,
    /^check a configuration.*\n\nUsage: thinsnap config COMMAND\n\nCommands:\n {2}check {2}.*\n {2}show {3}/,
  ],
  ['config check --help', 0, /^Checks a [\s\S]*?\n\nUsage: thinsnap config check FILE\n/],
  ['config show --config x --help', 0, /^Shows the .*\n\nUsage: thinsnap config show \[options\]\n/],
];

for (const [line, status, text] of LINES) {
  test(`thinsnap ${line} ends with ${status} and says why`, async () => {
    const outcome = await run(...line.split(' ').filter((word) => word !== ''));
    assert.is(outcome.status, status);
    assert.match(status === 0 ? outcome.out : outcome.error, text);
    assert.is(status === 0 ? outcome.error : outcome.out, '');
  });
}

test('thinsnap --version prints the version of package.json', async () => {
  const text = await readFile(new URL('../../../../package.json', import.meta.url), 'utf8');
  const [, version = 'none'] = /"version": "(.+)"/.exec(text) ?? [];
  assert.equal(await runProgram('--version'), { status: 0, out: `thinsnap ${version}\n`, error: '' });
});

test('thinsnap sets the exit status of its process, and writes no colours into a pipe', async () => {
  const wrong = await runProgram('config', 'check');
  assert.is(wrong.status, 2);
  const refused = await runProgram('config', 'check', bad);
  assert.is(refused.status, 1);
  assert.match(refused.error, /2 mistakes found/);
  const shown = await runProgram('config', 'show');
  assert.is(shown.status, 0);
  assert.not.ok(shown.out.includes('\u001b'));
});

test.run();
