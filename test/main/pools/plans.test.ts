// The plans that make pools and take them apart, as the commands that --dry-run prints, and what is undone when one fails.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CreatePlan, planLoop, planLvm, planRaw, roomOnDisks } from '../../../src/main/pools/create-plan.ts';
import { refuseDevices } from '../../../src/main/pools/refusals.ts';
import { othersIn, planRemoval } from '../../../src/main/pools/remove-plan.ts';
import { runPlan } from '../../../src/main/pools/run-plan.ts';
import { amountOf, checkSizes, parseAmount } from '../../../src/main/pools/sizes.ts';
import { commandsOf } from '../../../src/main/pools/step-text.ts';
import type { TaskPool } from '../../../src/main/task-pool.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { DEFAULT_FEATURES, metadataBytesFor } from '../../../src/shared/pool-makeup.ts';
import type { DeviceSurvey, PoolStep } from '../../../src/shared/pool-steps.ts';
import { GIB, KIB, MIB, parseBytes, parseSectors } from '../../../src/shared/units.ts';
import { faultOf } from '../../support/faults.ts';

const UUID = `thinsnap-pool-${'0'.repeat(32)}`;
const AUTOEXTEND = { thresholdPercent: 80, percent: 20 };
const BLOCK = parseSectors(128);

function disk(path: string, more: Partial<DeviceSurvey> = {}): DeviceSurvey {
  return { path, stablePath: path, number: path, sizeBytes: parseBytes(GIB), inUse: [], holds: [], ...more };
}

function shown({ steps }: CreatePlan): readonly string[] {
  return steps.flatMap(({ step }) => commandsOf(step));
}

const loop = planLoop({
  name: 'p',
  makeup: { kind: 'loop', dir: '/srv/p', uuid: UUID, blockSectors: BLOCK, features: DEFAULT_FEATURES },
  autoextend: AUTOEXTEND,
  dataBytes: parseBytes(GIB),
  metadataBytes: parseBytes(32 * MIB),
  directoryIsThere: false,
});
const raw = planRaw({
  name: 'r',
  uuid: UUID,
  blockSectors: BLOCK,
  data: disk('/dev/sdb', { stablePath: '/dev/disk/by-id/data', holds: ['a signature of ext4 at 0x438'] }),
  metadata: disk('/dev/sdc'),
});
const lvm = planLvm({
  vg: 'my-vg',
  lv: 'pool',
  devices: [disk('/dev/sdb'), disk('/dev/sdc')],
  blockSectors: BLOCK,
  autoextend: AUTOEXTEND,
  dataBytes: parseBytes(GIB),
  metadataBytes: parseBytes(32 * MIB),
});

test('a loop pool is two files, two loop devices and a table', () => {
  assert.equal(shown(loop), [
    'mkdir -p -m 700 /srv/p',
    'truncate --size=1073741824 /srv/p/data',
    'truncate --size=33554432 /srv/p/metadata',
    'DATA_LOOP=$(losetup --find --show --nooverlap --direct-io=on /srv/p/data)',
    'METADATA_LOOP=$(losetup --find --show --nooverlap --direct-io=on /srv/p/metadata)',
    `dmsetup create p --uuid ${UUID} --table "0 2097152 thin-pool $METADATA_LOOP $DATA_LOOP 128 3276 1 error_if_no_space"`,
  ]);
  assert.equal(loop.description.made, ['/srv/p']);
  assert.not(loop.description.complete);
});

test('a raw pool is on the devices’ lasting names, and only what holds something is wiped', () => {
  assert.equal(shown(raw), [
    'wipefs --all /dev/disk/by-id/data',
    'dd if=/dev/zero of=/dev/sdc bs=4096 count=1 conv=fsync',
    `dmsetup create r --uuid ${UUID} --table "0 2097152 thin-pool /dev/sdc /dev/disk/by-id/data 128 3276 1 error_if_no_space"`,
  ]);
  assert.is(raw.description.autoextend.thresholdPercent, 100);
});

test('an LVM pool is zeroed, passes discards down, fails at once when full, and is monitored', () => {
  assert.equal(shown(lvm), [
    'lvm vgcreate --yes my-vg /dev/sdb /dev/sdc',
    'lvm lvcreate --yes --type thin-pool --name pool --size 1073741824b --poolmetadatasize 33554432b --chunksize 64k --zero y --discards passdown my-vg',
    'lvm lvchange --errorwhenfull y my-vg/pool',
    "echo 'activation { thin_pool_autoextend_threshold=80 thin_pool_autoextend_percent=20 }' > /etc/lvm/profile/thinsnap-my--vg-pool.profile",
    'lvm lvchange --metadataprofile thinsnap-my--vg-pool my-vg/pool',
    'lvm lvchange --monitor y my-vg/pool',
  ]);
  assert.is(lvm.description.name, 'my--vg-pool');
});

test('a pool in a volume group that is there makes no group, and takes none away', () => {
  const plan = planLvm({
    vg: 'vg0',
    lv: 'pool',
    devices: [],
    blockSectors: BLOCK,
    autoextend: AUTOEXTEND,
    dataBytes: parseBytes(GIB),
    metadataBytes: parseBytes(32 * MIB),
  });
  assert.not(shown(plan).some((line) => line.includes('vgcreate')));
  const facts = {
    devices: [],
    group: { extentBytes: parseBytes(4 * MIB), freeBytes: parseBytes(0), volumes: ['pool'] },
  };
  const removal = planRemoval(plan.description, facts).flatMap(commandsOf);
  assert.not(removal.some((line) => /vgremove|pvremove|blkdiscard/.test(line)));
});

test('removal takes away what was made, and nothing that others are on', () => {
  const devices = [disk('/dev/sdb'), disk('/dev/sdc')];
  const group = { extentBytes: parseBytes(4 * MIB), freeBytes: parseBytes(0), volumes: ['pool', 'pool_meta0'] };
  assert.equal(planRemoval(lvm.description, { devices: [], group }).flatMap(commandsOf), [
    'lvm lvchange --activate n my-vg/pool',
    'lvm lvremove --yes my-vg/pool',
    'rm -f /etc/lvm/profile/thinsnap-my--vg-pool.profile',
    'lvm vgremove --yes my-vg',
    'lvm pvremove --yes /dev/sdb /dev/sdc',
  ]);
  assert.is(planRemoval(lvm.description, { devices, group }).filter(({ kind }) => kind === 'erase').length, 2);
  const shared = { ...group, volumes: [...group.volumes, 'home'] };
  assert.equal(othersIn(lvm.description, shared), ['home']);
  const kept = planRemoval(lvm.description, { devices, group: shared }).flatMap(commandsOf);
  assert.not(kept.some((line) => /vgremove|pvremove|blkdiscard/.test(line)));
  assert.equal(
    planRemoval(loop.description, { devices: [], group: null }).map(({ kind }) => kind),
    ['disassemble', 'remove-files'],
  );
});

/** Fails at the step of that number, from 1 on. */
function tasksFailingAt(failing: number): { tasks: Pick<TaskPool, 'run'>; seen: PoolStep[] } {
  const seen: PoolStep[] = [];
  const run = async (_name: string, args: unknown): Promise<never> => {
    seen.push((args as { step: PoolStep }).step);
    if (seen.length === failing) throw new FaultError('io', 'Cannot do it: told to fail');
    return undefined as never;
  };
  return { tasks: { run } as Pick<TaskPool, 'run'>, seen };
}

test('runPlan() undoes in reverse what was done before the step that failed, and not that step', async () => {
  const { tasks, seen } = tasksFailingAt(5);
  const signal = new AbortController().signal;
  const fault = await faultOf(runPlan(lvm.steps, { tasks, signal, onStep: () => undefined }));
  assert.match(fault.message, /told to fail\. What was done was undone/);
  assert.equal(seen.slice(5).flatMap(commandsOf), [
    'rm -f /etc/lvm/profile/thinsnap-my--vg-pool.profile',
    'lvm lvremove --yes my-vg/pool',
    'lvm vgremove --yes my-vg',
    'lvm pvremove --yes /dev/sdb /dev/sdc',
  ]);
});

test('runPlan() never takes away a volume group that was there before it', async () => {
  const { tasks, seen } = tasksFailingAt(1);
  await faultOf(runPlan(lvm.steps, { tasks, signal: new AbortController().signal, onStep: () => undefined }));
  assert.is(seen.length, 1);
});

test('runPlan() undoes what was done when it is told to stop', async () => {
  const { tasks, seen } = tasksFailingAt(0);
  const stop = new AbortController();
  await faultOf(runPlan(loop.steps, { tasks, signal: stop.signal, onStep: () => stop.abort() }));
  assert.equal(
    seen.map(({ kind }) => kind),
    ['make-files', 'remove-files'],
  );
});

test('refuseDevices() refuses what is used whatever is said, what holds something without --force, and one given twice', () => {
  const used = [disk('/dev/sdb', { inUse: ['it is mounted at /srv'], holds: ['a signature of ext4 at 0x438'] })];
  assert.throws(() => refuseDevices(used, { force: true }), /\/dev\/sdb: it is mounted at \/srv\. Nothing was changed/);
  const held = [disk('/dev/sdb', { holds: ['a signature of gpt at 0x200', 'partition sdb1'] })];
  assert.throws(() => refuseDevices(held, { force: false }), /signature of gpt at 0x200, partition sdb1.*--force/);
  refuseDevices(held, { force: true });
  assert.throws(() => refuseDevices([disk('/dev/sdb'), disk('/dev/sdb')], { force: true }), /given twice/);
});

test('sizes: a share is of the room, in whole steps; senseless ones are refused', () => {
  assert.is(amountOf(parseAmount('--data-size', '50%'), 10 * MIB + 1, 4 * MIB), 4 * MIB);
  assert.is(amountOf(parseAmount('--data-size', '40%FREE'), 10 * MIB, MIB), 4 * MIB);
  for (const text of ['0%', '101%', '-1', '0', 'much', '5%%']) {
    assert.throws(() => parseAmount('--data-size', text), /Cannot use --data-size/);
  }
  const metadataBytes = parseBytes(4 * MIB);
  assert.throws(() => checkSizes({ dataBytes: parseBytes(MIB), metadataBytes }, parseBytes(0)), /the least is 256MiB/);
  assert.throws(
    () => checkSizes({ dataBytes: parseBytes(GIB), metadataBytes }, parseBytes(2 * GIB)),
    /the least is 2GiB/,
  );
  assert.throws(
    () => checkSizes({ dataBytes: parseBytes(GIB), metadataBytes: parseBytes(MIB) }, parseBytes(0)),
    /2MiB to/,
  );
});

test('metadataBytesFor() gives room by the kernel’s formula, within the kernel’s limits', () => {
  assert.is(metadataBytesFor(parseBytes(GIB), BLOCK), 32 * MIB);
  assert.is(metadataBytesFor(parseBytes(1024 * GIB), BLOCK), 2 * 48 * ((1024 * GIB) / (64 * KIB)));
  assert.ok(metadataBytesFor(parseBytes(2 ** 50), BLOCK) <= 17_045_913_600);
});

test('roomOnDisks() counts whole extents of each disk without what LVM keeps', () => {
  const disks = [
    disk('/dev/sdb', { sizeBytes: parseBytes(10 * MIB) }),
    disk('/dev/sdc', { sizeBytes: parseBytes(5 * MIB) }),
  ];
  assert.is(roomOnDisks(disks, 4 * MIB, MIB), 12 * MIB);
  assert.is(roomOnDisks([disk('/dev/sdd', { sizeBytes: parseBytes(0) })], 4 * MIB, MIB), 0);
});

test.run();
