// What dmsetup prints, as seen of 1.02.185, and what it is taken for. The command itself is run in test/vm.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSectors } from '../../../src/shared/units.ts';
import { DmsetupEngine } from '../../../src/workers/devmapper/dmsetup.ts';
import { ToolError } from '../../../src/workers/exec.ts';
import { faultOf } from '../../support/faults.ts';

type Outcome = string | { readonly stderr: string } | null;
/** The command took too long and was ended. */
const ENDED = null;

interface Run {
  readonly words: readonly string[];
  readonly input: string | undefined;
}

/** An engine whose n-th command ends as the n-th outcome, the last one again and again, and the commands that it ran. */
function scripted(...outcomes: readonly Outcome[]): { engine: DmsetupEngine; runs: Run[] } {
  const runs: Run[] = [];
  const engine = new DmsetupEngine(async (words, { input }) => {
    const outcome = outcomes[Math.min(runs.length, outcomes.length - 1)];
    runs.push({ words, input });
    if (outcome === null || outcome === undefined) {
      throw new ToolError({ code: 'timeout', message: 'Cannot finish dmsetup' }, { exitCode: null, stderr: '' });
    }
    if (typeof outcome === 'string') return { stdout: outcome, stderr: '' };
    throw new ToolError({ code: 'io', message: 'Cannot finish dmsetup' }, { exitCode: 1, stderr: outcome.stderr });
  });
  return { engine, runs };
}

function ioctlFailed(call: string, text: string): Outcome {
  return { stderr: `device-mapper: ${call} ioctl on a (253:4) failed: ${text}\nCommand failed.\n` };
}

const DEVICE = {
  name: 'a',
  uuid: 'thinsnap-a',
  readOnly: true,
  table: {
    startSectors: parseSectors(0),
    lengthSectors: parseSectors(8),
    target: 'thin',
    parameters: '/dev/mapper/p 1',
  },
};
const INFO = 'a,thinsnap-a,253,4,0,L--r\n';

test('info() reads a line of the report', async () => {
  const { engine } = scripted('a,thinsnap-a,253,4,2,L-sr\n');
  assert.equal(await engine.info('a'), {
    name: 'a',
    uuid: 'thinsnap-a',
    number: { major: 253, minor: 4 },
    openCount: 2,
    live: true,
    suspended: true,
    readOnly: true,
  });
});

test('list() keeps the devices of the prefix', async () => {
  const { engine } = scripted('a,thinsnap-a,253,4,0,L--w\nb,,253,5,0,---w\nc,LVM-x,253,6,1,LI-w\n');
  assert.equal(
    (await engine.list('thinsnap-')).map(({ name }) => name),
    ['a'],
  );
});

test('list() answers none when dmsetup finds no devices', async () => {
  assert.equal(await scripted('No devices found\n').engine.list(''), []);
});

for (const line of ['a,thinsnap-a,253,4,0', 'a,thinsnap-a,253,4,-1,L--w', 'a,thinsnap-a,253,4,0,X--w', '']) {
  test(`info() refuses ${JSON.stringify(line)}`, async () => {
    const fault = await faultOf(scripted(line).engine.info('a'));
    assert.match(fault.message, /^Cannot read what dmsetup answers for info/);
  });
}

test('create() gives the table on stdin and the name behind the options', async () => {
  const { engine, runs } = scripted('', INFO);
  assert.equal(await engine.create(DEVICE), { major: 253, minor: 4 });
  assert.equal(runs[0], {
    words: ['create', '--readonly', '--uuid', 'thinsnap-a', '--', 'a'],
    input: '0 8 thin /dev/mapper/p 1\n',
  });
});

test('create() tells a taken name from a table that does not load', async () => {
  const taken = scripted(ioctlFailed('create', 'Device or resource busy'));
  assert.is((await faultOf(taken.engine.create(DEVICE))).code, 'device-exists');
  assert.is(taken.runs.length, 1);
  const refused = scripted(ioctlFailed('reload', 'No data available'), { stderr: 'Device does not exist.\n' });
  assert.is((await faultOf(refused.engine.create(DEVICE))).code, 'thin-id-missing');
});

test('create() removes what a command that was ended has left', async () => {
  const { engine, runs } = scripted(ENDED, INFO, '');
  assert.is((await faultOf(engine.create(DEVICE))).code, 'timeout');
  assert.equal(runs.at(-1)?.words, ['remove', '--', 'a']);
});

test('create() leaves a device of another uuid alone when its command was ended', async () => {
  const { engine, runs } = scripted(ENDED, 'a,other,253,4,0,L--r\n');
  assert.is((await faultOf(engine.create(DEVICE))).code, 'timeout');
  assert.is(runs.length, 2);
});

for (const [text, code] of [
  ['File exists', 'thin-id-taken'],
  ['No data available', 'thin-id-missing'],
  ['Operation not supported', 'pool-unsound'],
  ['Input/output error', 'pool-unsound'],
  ['No such device or address', 'device-missing'],
  ['Device or resource busy', 'device-busy'],
  ['Invalid argument', 'io'],
] as const) {
  test(`message() throws ${code} when dmsetup says "${text}"`, async () => {
    const { engine, runs } = scripted(ioctlFailed('message', text));
    assert.is((await faultOf(engine.message('p', 'delete 5'))).code, code);
    assert.equal(runs[0]?.words, ['message', '--', 'p', '0', 'delete', '5']);
  });
}

test('status() throws device-missing when dmsetup says that the device does not exist', async () => {
  const { engine } = scripted({ stderr: 'Device does not exist.\nCommand failed.\n' });
  assert.is((await faultOf(engine.status('a', 'commit'))).code, 'device-missing');
});

test('status() passes --noflush on and reads every line', async () => {
  const { engine, runs } = scripted('0 8 thin 0 -\n8 16 linear \n');
  assert.equal(await engine.status('a', 'noflush'), [
    { startSectors: 0, lengthSectors: 8, target: 'thin', parameters: '0 -' },
    { startSectors: 8, lengthSectors: 16, target: 'linear', parameters: '' },
  ]);
  assert.equal(runs[0]?.words, ['status', '--noflush', '--', 'a']);
});

test('resume() passes on what nobody has words for', async () => {
  const fault = await faultOf(scripted({ stderr: 'Segmentation fault\n' }).engine.resume('a'));
  assert.is(fault.message, 'Cannot finish dmsetup');
});

test('driverVersion() reads the line of the driver', async () => {
  const { engine } = scripted('Library version:   1.02.185 (2022-05-18)\nDriver version:    4.47.0\n');
  assert.is(await engine.driverVersion(), '4.47.0');
});

test.run();
