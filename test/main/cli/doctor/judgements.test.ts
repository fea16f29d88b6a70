// What `thinsnap doctor` makes of facts, given as plain values: what is well, what is not, and how to mend it.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judgeClock } from '../../../../src/main/cli/doctor/clock.ts';
import { judgeContainerd } from '../../../../src/main/cli/doctor/containerd.ts';
import { judgeDaemon, type PoolState } from '../../../../src/main/cli/doctor/daemon.ts';
import { type DeviceFacts, judgeDevices } from '../../../../src/main/cli/doctor/devices.ts';
import type { Finding } from '../../../../src/main/cli/doctor/finding.ts';
import { judgeKernel, type KernelFacts } from '../../../../src/main/cli/doctor/kernel.ts';
import { judgePlace, judgeSpace, type PlaceFacts } from '../../../../src/main/cli/doctor/places.ts';
import { judgeTools } from '../../../../src/main/cli/doctor/tools.ts';
import { parseToml } from '../../../../src/main/config/parse-toml.ts';
import type { PoolStatus } from '../../../../src/shared/tasks.ts';
import { GIB, parseSectors } from '../../../../src/shared/units.ts';

const test = suite('judgements');

const ADDRESS = '/run/thinsnap/thinsnap.sock';

/** "error module loop", for all that is not ok; each of those must have a fix, and nothing else one. */
function troubles(findings: readonly Finding[]): readonly string[] {
  for (const { level, fix, what } of findings) assert.is(fix === '', level === 'ok', what);
  return findings.filter(({ level }) => level !== 'ok').map(({ level, what }) => `${level} ${what}`);
}

const KERNEL: KernelFacts = {
  release: '6.1.0',
  modules: { dm_mod: 'loaded', dm_thin_pool: 'loaded', loop: 'available' },
  targets: 'thin-pool        v1.22.0\nthin             v1.22.0\nlinear           v1.4.0\n',
  fsType: 'xfs',
  fileSystem: 'available',
  needsPool: true,
};

test('judgeKernel() takes a missing module for an error only where a pool is configured', () => {
  assert.equal(troubles(judgeKernel(KERNEL)), []);
  const lacking = { ...KERNEL, targets: null, modules: { ...KERNEL.modules, dm_thin_pool: 'missing' } } as const;
  assert.equal(troubles(judgeKernel(lacking)), ['error module dm_thin_pool']);
  assert.equal(troubles(judgeKernel({ ...lacking, needsPool: false })), ['warning module dm_thin_pool']);
  assert.equal(troubles(judgeKernel({ ...KERNEL, fileSystem: 'missing' })), ['error file system xfs']);
  assert.equal(troubles(judgeKernel({ ...KERNEL, targets: 'linear v1.4.0\n' })), ['warning targets']);
});

test('judgeTools() names the package of what is missing, and asks for what the file system needs', () => {
  const versions = [{ tool: 'dmsetup', version: '1.02.185' }] as const;
  const all = judgeTools({ missing: [], versions, fsType: 'ext4' });
  assert.equal(troubles(all), []);
  assert.is(all.find(({ what }) => what === 'dmsetup')?.found, '1.02.185');
  const missing = ['mkfs.xfs', 'thin_ls', 'losetup'] as const;
  assert.equal(troubles(judgeTools({ missing, versions, fsType: 'ext4' })), [
    'error util-linux',
    'warning xfsprogs',
    'warning thin-provisioning-tools',
  ]);
  assert.ok(troubles(judgeTools({ missing, versions, fsType: 'xfs' })).includes('error xfsprogs'));
});

const DEVICES: DeviceFacts = {
  udevRuns: true,
  hasDmRules: true,
  lvmDevices: 'global_filter=["a|.*|"]\nfilter=["a|.*|"]\nuse_devicesfile=0\n',
  devicePath: '/dev/mapper/pool-snap-1',
};

test('judgeDevices() sees whether LVM scans our devices, by its filters and its devices file', () => {
  const lvm = (lvmDevices: string | null) => troubles(judgeDevices({ ...DEVICES, lvmDevices }));
  assert.equal(lvm(DEVICES.lvmDevices), ['warning LVM']);
  assert.equal(lvm(null), []);
  assert.equal(lvm('filter=["a|.*|"]\nuse_devicesfile=1\n'), []);
  assert.equal(lvm('global_filter=["r|^/dev/mapper/pool-snap-|","a|.*|"]\nfilter=["a|.*|"]\n'), []);
  assert.equal(lvm('global_filter=["a|.*|"]\nfilter=["a|^/dev/sd|","r|.*|"]\n'), []);
  // The first that matches decides.
  assert.equal(lvm('global_filter=["a|^/dev/mapper/|","r|.*|"]\nfilter=["a|.*|"]\n'), ['warning LVM']);
  assert.equal(lvm('no such thing'), ['warning LVM']);
});

test('judgeDevices() wants the rules of device-mapper where udevd runs', () => {
  const lvmDevices = null;
  assert.equal(troubles(judgeDevices({ ...DEVICES, lvmDevices, hasDmRules: false })), ['warning udev']);
  assert.equal(troubles(judgeDevices({ ...DEVICES, lvmDevices, hasDmRules: false, udevRuns: false })), []);
});

function containerd(text: string): readonly string[] {
  return troubles(judgeContainerd({ file: 'c.toml', address: ADDRESS, table: parseToml({ file: 'c.toml', text }) }));
}

const PROXY = `[proxy_plugins.thinsnap]\ntype = "snapshot"\naddress = "${ADDRESS}"\n`;
const CRI2 = '[plugins."io.containerd.grpc.v1.cri".containerd]\nsnapshotter = "thinsnap"\n';
const CRI3 = '[plugins."io.containerd.cri.v1.images"]\nsnapshotter = "thinsnap"\n';
const UNPACK =
  '[[plugins."io.containerd.transfer.v1.local".unpack_config]]\nplatform = "linux/amd64"\nsnapshotter = "thinsnap"\n';

test('judgeContainerd() understands files of version 2 and 3', () => {
  assert.equal(containerd(`version = 2\n${PROXY}${CRI2}`), []);
  assert.equal(containerd(`version = 3\n${PROXY}${CRI3}${UNPACK}`), []);
  assert.equal(containerd(`version = 2\n${PROXY}`), ['warning CRI']);
  assert.equal(containerd(`version = 3\n${PROXY}${CRI2}`), ['warning CRI', 'error unpack_config']);
  assert.equal(containerd(PROXY), ['error configuration']);
  assert.equal(troubles(judgeContainerd({ file: 'c.toml', address: ADDRESS, table: null })), ['warning configuration']);
});

test('judgeContainerd() finds a plugin that is missing, elsewhere, or of another type', () => {
  assert.equal(containerd('version = 2\n'), ['error proxy plugin']);
  assert.equal(containerd('version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n'), ['warning proxy plugin']);
  assert.equal(containerd(`version = 2\n${PROXY.replace(ADDRESS, '/run/other.sock')}`), ['error proxy plugin']);
  assert.equal(containerd(`version = 2\n${PROXY.replace('"snapshot"', '"content"')}${CRI2}`), ['error proxy plugin']);
  // Its name is anybody's choice.
  const renamed = `version = 2\n${PROXY}${CRI2}`.replaceAll('thinsnap]', 'thin]').replaceAll('"thinsnap"', '"thin"');
  assert.equal(containerd(renamed), []);
});

const SOCKET: PlaceFacts = {
  what: 'address',
  path: ADDRESS,
  wanted: 'socket',
  found: { kind: 'socket', mode: 0o660 },
  trouble: null,
};

test('judgePlace() wants what is there to be what it should be, and nobody else’s', () => {
  const troubled = (given: Partial<PlaceFacts>) => troubles([judgePlace({ ...SOCKET, ...given })]).length > 0;
  assert.not(troubled({}));
  assert.not(troubled({ found: null }));
  assert.ok(troubled({ found: { kind: 'file', mode: 0o600 } }));
  assert.ok(troubled({ found: { kind: 'socket', mode: 0o666 } }));
  assert.ok(troubled({ what: 'admin_address' }));
  assert.not(troubled({ what: 'admin_address', found: { kind: 'socket', mode: 0o600 } }));
  assert.ok(troubled({ trouble: 'anyone may write to /run' }));
  assert.ok(troubled({ wanted: 'file', found: null }));
});

test('judgeSpace() warns before there is no room, for bytes and for files', () => {
  const level = (freeBytes: number, freeFiles: number | null) => judgeSpace({ path: '/', freeBytes, freeFiles }).level;
  assert.equal(
    [level(2 * GIB, null), level(2 * GIB, 100), level(GIB / 2, 1e6), level(0, 1e6), level(GIB, 0)],
    ['ok', 'warning', 'warning', 'error', 'error'],
  );
});

test('judgeClock() sees a clock that cannot be right, was set back, or that nobody keeps', () => {
  const nowMs = Date.parse('2027-01-01T00:00:00Z');
  const facts = { nowMs, newestMs: nowMs - 1, isSynchronized: true, daemon: null };
  assert.equal(troubles(judgeClock(facts)), []);
  assert.equal(troubles(judgeClock({ ...facts, isSynchronized: false, daemon: 'chronyd' })), []);
  assert.equal(troubles(judgeClock({ ...facts, isSynchronized: false })), ['warning synchronisation']);
  assert.equal(troubles(judgeClock({ ...facts, newestMs: nowMs + 3_600_000 })), ['warning time']);
  assert.equal(troubles(judgeClock({ ...facts, nowMs: 0 })), ['error time']);
});

const STATUS: PoolStatus = {
  mode: 'rw',
  needsCheck: false,
  whenFull: 'error',
  transactionId: 1,
  usedMetadataBlocks: 1,
  totalMetadataBlocks: 10,
  usedDataBlocks: 1,
  totalDataBlocks: 10,
};

test('judgeDaemon() tells of a running one what it says, and of a stopped one what its pool says', () => {
  const stopped = (pool: PoolState) => troubles(judgeDaemon({ runs: false, why: 'nobody listens', pool })).slice(1);
  const pool = (status: Partial<PoolStatus>): PoolState => ({
    state: 'there',
    name: 'p',
    facts: { uuid: '', dataBlockSectors: parseSectors(128), status: { ...STATUS, ...status } },
  });
  assert.equal(stopped({ state: 'none' }), []);
  assert.equal(stopped(pool({})), []);
  for (const bad of [{ mode: 'ro' }, { mode: 'fail' }, { mode: 'out_of_data_space' }, { needsCheck: true }] as const) {
    assert.equal(stopped(pool(bad)), ['error pool p']);
  }
  assert.equal(stopped({ state: 'unknown', name: 'p', why: 'no device' }), ['error pool p']);
  const problems = [{ severity: 'warning', found: 'space is low', advice: 'Extend it' }];
  assert.equal(troubles(judgeDaemon({ runs: true, version: '1', problems })), ['warning status']);
});

test.run();
