// The description of a pool: what is written is read back, and nothing else is taken.

import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  namesIn,
  type PoolDescription,
  parseBlockSize,
  readDescription,
  refuseIncomplete,
  removeDescription,
  writeDescription,
} from '../../../src/main/pools/description.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { lvmDeviceName, parseLvmDeviceName } from '../../../src/shared/pool-makeup.ts';
import { parseSectors } from '../../../src/shared/units.ts';
import { faultOf } from '../../support/faults.ts';
import { withScratch } from '../../support/scratch.ts';
import { run } from '../cli/support.ts';

const UUID = `thinsnap-pool-${'a'.repeat(32)}`;
const TRAITS = { uuid: UUID, blockSectors: parseSectors(1024), features: ['error_if_no_space'] } as const;
const REST = { autoextend: { thresholdPercent: 80, percent: 20 }, complete: true };
const POOLS: readonly PoolDescription[] = [
  { name: 'one', makeup: { kind: 'loop', dir: '/srv/pool', ...TRAITS }, made: ['/srv/pool'], ...REST },
  {
    name: 'two',
    makeup: { kind: 'raw', dataPath: '/dev/disk/by-id/a', metadataPath: '/dev/sdb1', ...TRAITS },
    made: [],
    ...REST,
    complete: false,
  },
  { name: 'vg--0-pool', makeup: { kind: 'lvm', vg: 'vg-0', lv: 'pool' }, made: ['/dev/sdc', '/dev/sdd'], ...REST },
];

for (const pool of POOLS) {
  test(`readDescription() reads back what writeDescription() wrote of a ${pool.makeup.kind} pool`, async () => {
    await withScratch(async (root) => {
      const directory = join(root, 'pools');
      await writeDescription(directory, pool);
      assert.equal(await readDescription(directory, pool.name), pool);
      assert.equal(await namesIn(directory), [pool.name]);
      await removeDescription(directory, pool.name);
      assert.is(await readDescription(directory, pool.name), null);
    });
  });
}

test('readDescription() finds none where there is no directory', async () => {
  await withScratch(async (root) => {
    assert.is(await readDescription(join(root, 'none'), 'one'), null);
    assert.equal(await namesIn(join(root, 'none')), []);
  });
});

const GOOD = `kind = "loop"\ndir = "/srv/pool"\nuuid = "${UUID}"\nblock_size = "64KiB"\nfeatures = []\nautoextend_threshold = 80\nautoextend_percent = 20\nmade = []\ncomplete = true\n`;
const BAD: readonly (readonly [string, string, RegExp])[] = [
  ['an unknown key', `${GOOD}extra = 1\n`, /extra/],
  ['an unknown kind', GOOD.replace('"loop"', '"zfs"'), /kind/],
  ['a relative path', GOOD.replace('/srv/pool', 'srv/pool'), /dir: must be an absolute path/],
  [
    'a path that a command line must not hold',
    GOOD.replace('/srv/pool', '/srv/po ol'),
    /dir: must be an absolute path/,
  ],
  ['a uuid that is not ours', GOOD.replace(UUID, 'LVM-abc'), /uuid: must be a uuid that thinsnap gave/],
  ['blocks of no whole step', GOOD.replace('64KiB', '65KiB'), /Cannot use blocks of 65KiB/],
  ['a feature that no pool has', GOOD.replace('[]', '["skip_block_zeroing"]'), /features/],
  ['a threshold below LVM’s least', GOOD.replace('= 80', '= 10'), /autoextend_threshold/],
  ['no makeup', 'complete = true\n', /kind/],
  ['no TOML', 'kind = \n', /Cannot read this as TOML/],
];
for (const [what, text, message] of BAD) {
  test(`readDescription() refuses ${what}`, async () => {
    await withScratch(async (root) => {
      await writeFile(join(root, 'one.toml'), text);
      const fault = await faultOf(readDescription(root, 'one'));
      assert.is(fault.code, 'invalid');
      assert.match(fault.message, message);
      assert.match(fault.message, /one/);
    });
  });
}

test('what a later version might write is refused by all that reads a pool, and left as it is', async () => {
  await withScratch(async (root) => {
    const config = join(root, 'config.toml');
    await writeFile(config, `root_path = "${root}/state"\npool_directory = "${root}"\n`, { mode: 0o600 });
    const file = join(root, 'one.toml');
    for (const text of [
      `format = 2\n${GOOD}`,
      GOOD.replace('complete = true', 'state = "complete"'),
      GOOD.replace('features = []', 'features = ["later"]'),
      GOOD.replace('kind = "loop"', 'kind = "nbd"'),
    ]) {
      await writeFile(file, text, { mode: 0o600 });
      for (const command of ['show', 'activate', 'extend', 'remove']) {
        const size = command === 'extend' ? ['--data-size', '2GiB'] : [];
        const { status, error } = await run('pool', command, 'one', ...size, '--config', config);
        assert.is(status, 1, command);
        assert.match(error, /Cannot use the description of pool one/, command);
      }
      assert.is(await readFile(file, 'utf8'), text);
      assert.equal((await readdir(root)).sort(), ['config.toml', 'one.toml']);
    }
  });
});

test('readDescription() refuses one that others may change', async () => {
  await withScratch(async (root) => {
    await writeFile(join(root, 'one.toml'), GOOD);
    await chmod(join(root, 'one.toml'), 0o666);
    assert.match((await faultOf(readDescription(root, 'one'))).message, /anyone may write to it/);
  });
});

test('readDescription() refuses volumes that have another name', async () => {
  await withScratch(async (root) => {
    const text =
      'kind = "lvm"\nvg = "vg0"\nlv = "pool"\nautoextend_threshold = 80\nautoextend_percent = 20\nmade = []\ncomplete = true\n';
    await writeFile(join(root, 'other.toml'), text);
    assert.match((await faultOf(readDescription(root, 'other'))).message, /vg0\/pool is vg0-pool/);
  });
});

test('writeDescription() replaces a description whole, and leaves nothing beside it', async () => {
  await withScratch(async (root) => {
    await mkdir(join(root, 'pools'));
    const [pool] = POOLS;
    if (pool === undefined) throw new Error('no pool');
    await writeDescription(join(root, 'pools'), { ...pool, complete: false });
    await writeDescription(join(root, 'pools'), pool);
    assert.match(await readFile(join(root, 'pools', 'one.toml'), 'utf8'), /complete = true\n$/);
    assert.equal(await namesIn(join(root, 'pools')), ['one']);
  });
});

test('refuseIncomplete() refuses what a creation did not finish, and says how to go on', () => {
  const [whole, half] = POOLS;
  if (whole === undefined || half === undefined) throw new Error('no pools');
  refuseIncomplete(whole);
  assert.throws(
    () => refuseIncomplete(half),
    (error: unknown) => error instanceof FaultError && /thinsnap pool remove two/.test(error.message),
  );
});

test('parseLvmDeviceName() takes apart what lvmDeviceName() put together', () => {
  for (const [vg, lv] of [
    ['vg0', 'pool'],
    ['my-vg', 'my-pool'],
    ['a--b', 'c-'],
  ] as const) {
    assert.equal(parseLvmDeviceName(lvmDeviceName(vg, lv)), { kind: 'lvm', vg, lv });
  }
  for (const name of ['pool', 'a-b-c', '-a', 'a-', 'thinsnap-test-pool']) assert.is(parseLvmDeviceName(name), null);
});

test('parseBlockSize() takes steps of 64KiB up to 1GiB', () => {
  assert.is(parseBlockSize('64KiB'), 128);
  assert.is(parseBlockSize('1GiB'), 2_097_152);
  for (const text of ['0', '32KiB', '96KiB', '1025MiB', 'x']) assert.throws(() => parseBlockSize(text), /Cannot/);
});

test.run();
