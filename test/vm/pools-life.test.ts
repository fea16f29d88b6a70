// The whole life of a pool of each kind, from `thinsnap pool create` to `remove`, with a real daemon and a container's writes; the
// disks as before.
// vm: plain THINSNAP_TEST_POOL_KIND=loop|raw|lvm

import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { create, linear } from './support/pool.ts';
import { dropCaches, type Life, live, machineState, withPlace } from './support/pool-life.ts';
import { shell } from './support/shell.ts';

const { THINSNAP_TEST_POOL_KIND: kind = '' } = process.env;
const DATA = 'thinsnap-test-data';
const nothing = async (): Promise<void> => undefined;

interface Kind {
  readonly before: () => Promise<unknown>;
  readonly life: (root: string) => Life;
  readonly after: () => Promise<unknown>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  loop: {
    before: nothing,
    life: (root) => ({
      name: 'thinsnap-test-loop',
      create: [
        ...['--loop', join(root, 'files'), '--name', 'thinsnap-test-loop'],
        ...['--data-size', '512MiB', '--metadata-size', '4MiB'],
      ],
      grow: nothing,
      extend: ['--data-size', '+256MiB'],
    }),
    after: nothing,
  },
  raw: {
    before: () => create(DATA, linear('/dev/vda', 1024)),
    life: () => ({
      name: 'thinsnap-test-raw',
      create: ['--data-device', `/dev/mapper/${DATA}`, '--metadata-device', '/dev/vdb', '--name', 'thinsnap-test-raw'],
      grow: async () => {
        await shell('dmsetup', 'load', DATA, '--table', linear('/dev/vda', 2048));
        await shell('dmsetup', 'resume', DATA);
      },
      extend: [],
    }),
    after: () => shell('dmsetup', 'remove', DATA),
  },
  lvm: {
    before: nothing,
    life: () => ({
      name: 'thinsnap--test-pool',
      create: ['--device', '/dev/vda', '--vg', 'thinsnap-test', '--data-size', '50%'],
      grow: nothing,
      extend: ['--data-size', '+1GiB'],
    }),
    after: nothing,
  },
};

test(`a ${kind} pool: made, used, extended under load, brought back, removed`, async () => {
  const found = KINDS[kind];
  if (found === undefined) throw new Error(`There is no kind of pool "${kind}"`);
  const before = await machineState();
  await found.before();
  await withPlace(async (place) => {
    await live(place, found.life(place.root));
  });
  await found.after();
  await dropCaches();
  assert.is(await machineState(), before);
});

test.run();
