// The configuration as a whole: what good files give, and the exact words that bad ones get.

import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toToml } from '../../../src/main/cli/commands/config-show.ts';
import { type Config, ENGINE_CHOICES, LOG_LEVELS, VOLUME_CHOICES } from '../../../src/main/config/config.ts';
import { type Flags, type LoadedConfig, loadConfig, NO_FLAGS } from '../../../src/main/config/load-config.ts';
import { ConfigError } from '../../../src/main/config/problems.ts';
import { FIELDS } from '../../../src/main/config/settings.ts';
import { FS_TYPES } from '../../../src/shared/tasks.ts';
import { GIB, MIB, parseBytes } from '../../../src/shared/units.ts';

const test = suite('load-config');
// dist/test/main/config/ is four folders below the root.
const FIXTURES = fileURLToPath(new URL('../../../../test/main/config/fixtures/', import.meta.url));

const DEFAULTS: Config = {
  rootPath: '/var/lib/thinsnap',
  address: '/run/thinsnap/thinsnap.sock',
  adminAddress: '/run/thinsnap/admin.sock',
  socketMode: '0600',
  socketGroup: null,
  logLevel: 'info',
  volumes: 'auto',
  poolName: null,
  poolDirectory: '/etc/thinsnap/pools',
  deviceWaitSeconds: 60,
  engine: 'auto',
  workers: 0,
  baseImageSize: parseBytes(10 * GIB),
  fsType: 'ext4',
  fsOptions: [],
  mountOptions: [],
  asyncRemove: false,
  discardBlocks: false,
  minFreeSpace: { kind: 'percent', percent: 10 },
  autoextendThreshold: 80,
  autoextendPercent: 20,
  xfsNospaceMaxRetries: 0,
  standbyPerParent: 64,
  standbyTotal: 256,
};

let dir = '';
test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-config-'));
});
test.after(() => rm(dir, { recursive: true }));

async function loadText(text: string, flags: Partial<Flags> = {}): Promise<LoadedConfig> {
  const file = join(dir, 'config.toml');
  await writeFile(file, text);
  return loadConfig({ file, flags: { ...NO_FLAGS, ...flags } });
}

/** The message of the ConfigError that loading ends in, with FILE for the file's path. */
async function refusal(loading: Promise<LoadedConfig>): Promise<string> {
  try {
    await loading;
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(join(dir, 'config.toml'), 'FILE');
    throw error;
  }
  return 'nothing was refused';
}

test('loadConfig() gives the defaults when there is neither file nor flag', async () => {
  const loaded = await loadConfig({ file: null, flags: NO_FLAGS });
  assert.equal(loaded.config, DEFAULTS);
  assert.equal([...loaded.origins.keys()], FIELDS);
  assert.equal(new Set(loaded.origins.values()), new Set(['default']));
  assert.is(loaded.fileKind, null);
});

test('loadConfig() reads every key of a file of its own', async () => {
  const { config, origins, fileKind } = await loadText(`# thinsnap
root_path = "/srv//thinsnap/"
address = '/run/t.sock'
admin_address = "/run/t-admin"
socket_mode = "0660"
socket_group = "containers"
log_level = "debug"
volumes = "thin-pool"
"pool_name" = """vg-pool"""
pool_directory = "/srv/pools/"
device_wait = 0
engine = "dmsetup"
workers = 0x10
base_image_size = "1.7 gib"
fs_type = "xfs"
fs_options = "-m  reflink=1 -K"
mount_options = "noatime,,discard"
async_remove = true
discard_blocks = true
min_free_space = "12.5 %"
autoextend_threshold = 100
autoextend_percent = 1
xfs_nospace_max_retries = 7
standby_per_parent = 0
standby_total = 4096
`);
  assert.equal(config, {
    rootPath: '/srv/thinsnap',
    address: '/run/t.sock',
    adminAddress: '/run/t-admin',
    socketMode: '0660',
    socketGroup: 'containers',
    logLevel: 'debug',
    volumes: 'thin-pool',
    poolName: 'vg-pool',
    poolDirectory: '/srv/pools',
    deviceWaitSeconds: 0,
    engine: 'dmsetup',
    workers: 16,
    baseImageSize: 1825361100 - (1825361100 % 4096),
    fsType: 'xfs',
    fsOptions: ['-m', 'reflink=1', '-K'],
    mountOptions: ['noatime', 'discard'],
    asyncRemove: true,
    discardBlocks: true,
    minFreeSpace: { kind: 'percent', percent: 12.5 },
    autoextendThreshold: 100,
    autoextendPercent: 1,
    xfsNospaceMaxRetries: 7,
    standbyPerParent: 0,
    standbyTotal: 4096,
  });
  assert.is(origins.get('poolName'), `${join(dir, 'config.toml')}:9`);
  assert.is(origins.get('minFreeSpace'), `${join(dir, 'config.toml')}:20`);
  assert.is(fileKind, 'thinsnap');
});

test('loadConfig() lets a flag win over the file, and an empty pool name mean none', async () => {
  const { config, origins } = await loadText('pool_name = "a"\nlog_level = "warn"\nworkers = 2\n', {
    poolName: '',
    logLevel: 'trace',
    rootPath: '/r',
    address: '/a',
  });
  assert.equal(config, {
    ...DEFAULTS,
    poolName: null,
    logLevel: 'trace',
    rootPath: '/r',
    address: '/a',
    adminAddress: '/a-admin.sock',
    workers: 2,
  });
  assert.is(origins.get('poolName'), '--pool-name');
  assert.is(origins.get('logLevel'), '--log-level');
  assert.is(origins.get('rootPath'), '--root-path');
  assert.is(origins.get('address'), '--address');
});

const BESIDE: readonly (readonly [string, string])[] = [
  ['/run/thinsnap/thinsnap.sock', '/run/thinsnap/admin.sock'],
  ['/srv/thinsnap.sock', '/srv/admin.sock'],
  ['/run/thinsnap/second.sock', '/run/thinsnap/second-admin.sock'],
  ['/run/thinsnap/admin.sock', '/run/thinsnap/admin-admin.sock'],
  ['/socket', '/socket-admin.sock'],
];

for (const [address, expected] of BESIDE) {
  test(`loadConfig() puts the admin socket beside ${address} when only that is set`, async () => {
    const { config, origins } = await loadConfig({ file: null, flags: { ...NO_FLAGS, address } });
    assert.is(config.adminAddress, expected);
    assert.is(origins.get('adminAddress'), 'beside address');
  });
}

test('loadConfig() refuses one socket for both', async () => {
  const flags = { ...NO_FLAGS, address: '/run/a.sock', adminAddress: '/run/a.sock' };
  const message = await refusal(loadConfig({ file: null, flags }));
  assert.match(message, /^--admin-address: Cannot use admin_address: containerd connects there, see address$/m);
});

test('loadConfig() refuses an address too long to have an admin socket beside it', async () => {
  const flags = { ...NO_FLAGS, address: `/${'a'.repeat(100)}.sock` };
  const message = await refusal(loadConfig({ file: null, flags }));
  assert.match(message, /^--address: Cannot make an admin_address from it: it has 112 bytes, at most 107/m);
});

const [, ...badFiles] = (await readFile(`${FIXTURES}bad-files.txt`, 'utf8')).split(/^### /m);
for (const badFile of badFiles) {
  const [, name = '', text = '', expected = ''] = /^([^\n]+)\n(.*?\n)>>>\n(.+?)\n*$/s.exec(badFile) ?? [];
  test(`loadConfig() refuses ${name}`, async () => {
    assert.is(await refusal(loadText(text)), expected);
  });
}

test('loadConfig() refuses a raw control character in text, and prints none', async () => {
  assert.is(
    await refusal(loadText('pool_name = "vg\u001b[31m"\n')),
    `Cannot use the configuration: 1 mistake found
FILE:1:16: Cannot read this as TOML: found "\\u001b", which a text cannot hold
  1 | pool_name = "vg\ufffd[31m"
    |                ^^^^^^`,
  );
});

test('loadConfig() reports mistakes of the file and of the flags together, also those that are overridden', async () => {
  assert.is(
    await refusal(
      loadText('pool_name = "-x"\nlog_level = warn\n'.replace('warn', '"loud"'), { logLevel: 'inf', poolName: 'p' }),
    ),
    `Cannot use the configuration: 3 mistakes found
FILE:1:13: Cannot use pool_name: "-x" must not begin with "-"
  1 | pool_name = "-x"
    |             ^^^^
FILE:2:13: Cannot use log_level: "loud" is not one of "trace", "debug", "info", "warn", "error", "fatal"
  2 | log_level = "loud"
    |             ^^^^^^
--log-level: Cannot use log_level: "inf" is not one of "trace", "debug", "info", "warn", "error", "fatal" (did you mean "info"?)`,
  );
});

test('loadConfig() reads the devmapper table of containerd version 1', async () => {
  const { config, fileKind, origins } = await loadConfig({ file: `${FIXTURES}containerd-v1.toml`, flags: NO_FLAGS });
  assert.equal(config, { ...DEFAULTS, poolName: 'containerd-pool', baseImageSize: 8 * GIB });
  assert.is(fileKind, 'containerd');
  assert.is(origins.get('poolName'), `${FIXTURES}containerd-v1.toml:42`);
});

test('loadConfig() reads the devmapper table of containerd version 2, fs_options as the argument of -E', async () => {
  const { config } = await loadConfig({ file: `${FIXTURES}containerd-v2.toml`, flags: NO_FLAGS });
  assert.equal(config, {
    ...DEFAULTS,
    rootPath: '/var/lib/containerd/devmapper',
    poolName: 'vg0-thin--pool',
    fsOptions: ['-E', 'nodiscard,lazy_itable_init=0'],
    asyncRemove: true,
    discardBlocks: true,
  });
});

test('loadConfig() reads the devmapper table of containerd version 3, without fs_options for XFS', async () => {
  const { config } = await loadConfig({ file: `${FIXTURES}containerd-v3.toml`, flags: NO_FLAGS });
  assert.equal(config, { ...DEFAULTS, poolName: 'devpool', baseImageSize: 300 * MIB, fsType: 'xfs' });
});

test('loadConfig() takes from a flag what containerd requires of its table', async () => {
  const { config } = await loadText('[plugins.devmapper]\nbase_image_size = "1G"\n', { poolName: 'p' });
  assert.equal(config, { ...DEFAULTS, poolName: 'p', baseImageSize: GIB });
});

test('loadConfig() refuses a file that others may write to, that is missing, no file, too large or no text', async () => {
  const file = join(dir, 'config.toml');
  const load = (path: string) => refusal(loadConfig({ file: path, flags: NO_FLAGS }));
  const start = 'Cannot use the configuration: 1 mistake found\nFILE: Cannot read the configuration file:';
  await rm(file, { force: true });
  assert.is(await load(file), `${start} there is no such file`);
  await symlink('config.toml', file);
  assert.is(await load(file), `${start} its symbolic links go in a circle`);
  await rm(file);
  await mkdir(file);
  assert.is(await load(file), `${start} it is not a regular file`);
  await rm(file, { recursive: true });
  await writeFile(file, Buffer.from([0x61, 0xff]));
  assert.is(await load(file), `${start} it is not UTF-8 text`);
  await writeFile(file, '#'.repeat(2 ** 20 + 1));
  assert.is(await load(file), `${start} it has 1048577 bytes, at most 1048576 are read`);
  await chmod(file, 0o620);
  assert.is(await load(file), `${start} its group may write to it (mode 620): take that away with chmod g-w`);
  await chmod(file, 0o602);
  assert.is(await load(file), `${start} anyone may write to it (mode 602): take that away with chmod o-w`);
  await rm(file);
  assert.match(await load('a\0b'), /"a\\u0000b" is no path$/);
  assert.match(
    await load(`${FIXTURES}containerd-v1.toml/x`),
    /there is no such file: a part of its path is no directory$/,
  );
});

const word = fc.stringMatching(/^[A-Za-z0-9_.:=+^-]{1,12}$/);
const path = fc
  .array(fc.stringMatching(/^[a-z0-9é "'\\#]{1,8}$/), { minLength: 1, maxLength: 3 })
  .map((parts) => `/${parts.join('/')}`);
const bytes = fc.integer({ min: (300 * MIB) / 4096, max: 2 ** 32 }).map((blocks) => parseBytes(blocks * 4096));
const anyConfig: fc.Arbitrary<Config> = fc.record(
  {
    rootPath: path,
    address: path.map((below) => `/public${below}`),
    adminAddress: path,
    socketMode: fc.constant('0660' as const),
    socketGroup: fc.constantFrom(null, 'containers', '1000'),
    logLevel: fc.constantFrom(...LOG_LEVELS),
    volumes: fc.constantFrom(...VOLUME_CHOICES).filter((choice) => choice !== 'thin-pool'),
    poolName: fc.option(fc.stringMatching(/^[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,99}$/).filter((name) => name !== 'control')),
    poolDirectory: path,
    deviceWaitSeconds: fc.nat(3600),
    engine: fc.constantFrom(...ENGINE_CHOICES),
    workers: fc.nat(256),
    baseImageSize: bytes,
    fsType: fc.constantFrom(...FS_TYPES),
    fsOptions: fc.array(
      word.map((option) => `-${option}`),
      { maxLength: 4 },
    ),
    mountOptions: fc.array(word, { maxLength: 4 }),
    asyncRemove: fc.boolean(),
    discardBlocks: fc.boolean(),
    minFreeSpace: fc.oneof(
      fc.nat(5000).map((hundredths) => ({ kind: 'percent' as const, percent: hundredths / 100 })),
      bytes.map((size) => ({ kind: 'bytes' as const, bytes: size })),
    ),
    autoextendThreshold: fc.integer({ min: 50, max: 100 }),
    autoextendPercent: fc.integer({ min: 1, max: 1000 }),
    xfsNospaceMaxRetries: fc.nat(2 ** 31 - 1),
    standbyPerParent: fc.nat(4096),
    standbyTotal: fc.nat(4096),
  },
  { noNullPrototype: true },
);

test('loadConfig() reads back what "thinsnap config show" prints, for every configuration', async () => {
  await fc.assert(
    fc.asyncProperty(anyConfig, async (config) => {
      const shown = toToml({ config, origins: new Map(), fileKind: null }, { paint: (_style, text) => text });
      const { config: again } = await loadText(shown);
      assert.equal(again, config);
    }),
  );
});

for (const [name, text, found] of [
  ['a mode that lets anyone in', 'socket_mode = "0666"', 'Cannot use socket_mode: "0666" is not one of "0600", "0660"'],
  [
    'a group that is no name',
    'socket_group = "a b"',
    'Cannot use socket_group: "a b" is neither a group\'s name nor its number',
  ],
  ['no group’s number', 'socket_group = "4294967295"', 'Cannot use socket_group: "4294967295" is no group\'s number'],
  [
    'a group that may not connect',
    'socket_group = "x"',
    'Cannot use socket_group: no group may connect. Set socket_mode = "0660" too',
  ],
] as const) {
  test(`loadConfig() refuses ${name}`, async () => {
    const problem = await loadText(text).then(() => 'none', String);
    assert.ok(problem.includes(found), problem);
  });
}

test.run();
