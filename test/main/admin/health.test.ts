// What is wrong: one fact for each problem, and none where all is well.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findProblems, type ProblemCode } from '../../../src/main/admin/health.ts';
import { loadConfig, NO_FLAGS } from '../../../src/main/config/load-config.ts';
import type { Space, VolumesFacts } from '../../../src/main/volumes/volumes.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import type { PoolMakeup } from '../../../src/shared/pool-makeup.ts';
import type { PoolStatus } from '../../../src/shared/tasks.ts';
import { parseDeviceId, parseSectors } from '../../../src/shared/units.ts';
import { withCore } from '../../support/core.ts';
import { FakeGrowth } from '../../support/fake-growth.ts';

const test = suite('findProblems()');
const tasks = { hung: [] };

const SOUND: PoolStatus = {
  mode: 'rw',
  needsCheck: false,
  whenFull: 'error',
  transactionId: 0,
  usedMetadataBlocks: 0,
  totalMetadataBlocks: 0,
  usedDataBlocks: 0,
  totalDataBlocks: 0,
};

function pool(status: Partial<PoolStatus>): VolumesFacts {
  const facts = {
    kind: 'thin-pool',
    poolName: 'p',
    blockBytes: 65_536,
    engine: 'ioctl',
    driverVersion: '4',
    makeup: null,
  } as const;
  return { ...facts, status: { ...SOUND, ...status } };
}

const LVM: PoolMakeup = { kind: 'lvm', vg: 'vg', lv: 'pool' };
const LOOP: PoolMakeup = { kind: 'loop', dir: '/p', uuid: 'u', blockSectors: parseSectors(128), features: [] };

/** Of 1000, with a reserve of 100. */
function free(data: number, metadata = 1000): Space {
  const usage = (left: number) => ({ usedBytes: 1000 - left, totalBytes: 1000 });
  return { data: usage(data), metadata: usage(metadata) };
}

const CASES: readonly (readonly [string, VolumesFacts, Space, readonly ProblemCode[]])[] = [
  ['all is well', pool({}), free(1000), []],
  ['it is read-only', pool({ mode: 'ro' }), free(1000), ['pool-read-only']],
  [
    'it has failed and needs a check',
    pool({ mode: 'fail', needsCheck: true }),
    free(1000),
    ['pool-failed', 'pool-needs-check'],
  ],
  ['it is full', pool({ mode: 'out_of_data_space' }), free(0), ['pool-full', 'data-short']],
  ['data is at the reserve', pool({}), free(100), ['data-low']],
  ['data is below the reserve', pool({}), free(99), ['data-short']],
  ['data is well above the reserve', pool({}), free(200), []],
  ['metadata is below the reserve', pool({}), free(1000, 99), ['metadata-short']],
  ['an error comes before a warning', pool({}), free(199, 99), ['metadata-short', 'data-low']],
  ['block files are short', { kind: 'blockfile', directory: '/' }, { ...free(50), metadata: null }, ['data-short']],
];

for (const [name, facts, space, codes] of CASES) {
  test(`findProblems() tells ${codes.join(', ') || 'nothing'} when ${name}`, async () => {
    const { config } = await loadConfig({ file: null, flags: NO_FLAGS });
    await withCore(async ({ catalog, volumes, extender, guard }) => {
      volumes.facts = facts;
      volumes.space = space;
      const problems = findProblems({ catalog, volumes, config, extender, guard, tasks });
      assert.equal(
        problems.map(({ code }) => code),
        codes,
      );
      for (const { found, advice } of problems) {
        assert.ok(found.length > 10);
        assert.ok(advice.length > 10);
      }
    });
  });
}

test('findProblems() names what takes the mark off a pool that needs a check', async () => {
  const { config } = await loadConfig({ file: null, flags: NO_FLAGS });
  await withCore(async ({ catalog, volumes, extender, guard }) => {
    volumes.facts = pool({ mode: 'ro', needsCheck: true });
    const problems = findProblems({ catalog, volumes, config, extender, guard, tasks }).filter(
      ({ code }) => code === 'pool-needs-check',
    );
    assert.is(problems.length, 1);
    // A plain thin_check leaves the mark, and the kernel opens the pool read-only again.
    for (const { advice } of problems) assert.match(advice, /thin_check --clear-needs-check-flag/);
  });
});

test('findProblems() names the commands that repair a pool which thinsnap knows how to find', async () => {
  const { config } = await loadConfig({ file: null, flags: NO_FLAGS });
  await withCore(async ({ catalog, volumes, extender, guard }) => {
    volumes.facts = { ...pool({ mode: 'fail' }), makeup: LVM } as VolumesFacts;
    const [problem] = findProblems({ catalog, volumes, config, extender, guard, tasks });
    assert.match(problem?.advice ?? '', /"thinsnap pool deactivate p", then "thinsnap pool check --repair p"/);
  });
});

test('findProblems() tells that the figures of space are old, and why', async () => {
  const { config } = await loadConfig({ file: null, flags: NO_FLAGS });
  await withCore(async ({ catalog, volumes, extender }) => {
    const guard = { trouble: { code: 'unavailable', message: 'Cannot use /v: ENOENT', leaves: 'nothing' } } as const;
    const problems = findProblems({ catalog, volumes, config, extender, guard, tasks });
    assert.equal(
      problems.map(({ code, severity }) => [code, severity]),
      [['space-unknown', 'error']],
    );
    assert.match(problems[0]?.found ?? '', /Cannot use \/v: ENOENT/);
  });
});

test('findProblems() tells that the catalog takes no more writes', async () => {
  const { config } = await loadConfig({ file: null, flags: NO_FLAGS });
  await withCore(async ({ volumes, catalog, extender, guard }) => {
    const fault = new FaultError('unavailable', 'Cannot write to the catalog: no space');
    const broken = Object.create(catalog, { fault: { value: fault } });
    const [problem] = findProblems({ catalog: broken, volumes, config, extender, guard, tasks });
    assert.is(problem?.code, 'catalog-broken');
    assert.match(problem?.found ?? '', /no space/);
  });
});

for (const [kind, failure, code] of [
  ['loop', null, 'host-space-short'],
  ['lvm', null, 'group-space-short'],
  ['lvm', 'Cannot run lvm: no lock', 'extension-failed'],
] as const) {
  test(`findProblems() tells ${code} while a pool of kind ${kind} is not extended, with what to do`, async () => {
    const { config } = await loadConfig({ file: null, flags: NO_FLAGS });
    await withCore(async ({ catalog, volumes, extender, guard }) => {
      const makeup = kind === 'lvm' ? LVM : LOOP;
      volumes.facts = { ...pool({}), makeup } as VolumesFacts;
      volumes.space = free(199);
      volumes.growth = new FakeGrowth(volumes, { roomBytes: 0, failure });
      await extender.keepUp();
      const problems = findProblems({ catalog, volumes, config, extender, guard, tasks });
      assert.equal(
        problems.map((problem) => problem.code),
        ['data-low', code],
      );
      assert.is(problems[1]?.severity, 'warning');
      assert.match(problems[1]?.found ?? '', failure === null ? /data space cannot be extended: nothing/ : /no lock/);
      volumes.space = free(900);
      await extender.keepUp();
      assert.equal(findProblems({ catalog, volumes, config, extender, guard, tasks }), []);
    });
  });
}

test('findProblems() tells of a task that does not come back, and what it works on', async () => {
  const { config } = await loadConfig({ file: null, flags: NO_FLAGS });
  await withCore(async ({ volumes, catalog, extender, guard }) => {
    const hung = [{ task: 'activate', subject: 'pool-snap-7', lane: 'fast', sinceMs: 131_400 }] as const;
    const [problem] = findProblems({ catalog, volumes, config, extender, guard, tasks: { hung } });
    assert.is(problem?.code, 'task-hung');
    assert.match(problem?.found ?? '', /activate on pool-snap-7 .* 131 s/);
  });
});

test('findProblems() tells of snapshots that may lack what was written to them', async () => {
  const { config } = await loadConfig({ file: null, flags: NO_FLAGS });
  await withCore(async ({ volumes, catalog, extender, guard }) => {
    for (const id of [1, 2]) volumes.faulty.add(parseDeviceId(id));
    const [problem] = findProblems({ catalog, volumes, config, extender, guard, tasks });
    assert.is(problem?.code, 'writes-lost');
    assert.match(problem?.found ?? '', /no space: 2\./);
  });
});

test.run();
