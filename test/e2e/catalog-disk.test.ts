// The disk under a catalog without its daemon: full, limited in the size of files, read-only. Every write ends with a clean error; after
// that everything that was acknowledged is there, and nothing half of it.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Catalog } from '../../src/main/catalog/catalog.ts';
import { faultOf } from '../support/faults.ts';
import { withNodeChild } from '../support/node-child.ts';
import { pairOf } from '../support/records.ts';
import { asRootWith, withTools } from '../support/requirements.ts';
import { withScratch } from '../support/scratch.ts';

const test = suite('catalog-disk');
const run = promisify(execFile);

const CATALOG_MODULE = new URL('../../src/main/catalog/catalog.js', import.meta.url).href;
const RECORDS_MODULE = new URL('../support/records.js', import.meta.url).href;
/** Prints the key of each write that was acknowledged; then what the first one that failed said, and whether more do. */
const WRITER = `
  import { Catalog } from ${JSON.stringify(CATALOG_MODULE)};
  import { pairOf } from ${JSON.stringify(RECORDS_MODULE)};
  import { writeSync } from 'node:fs';
  const catalog = await Catalog.open(process.argv[1]);
  const codes = [];
  const writer = async () => {
    for (;;) {
      const id = catalog.newDeviceId();
      const pair = pairOf('k' + id, id);
      pair[1].snapshot.labels.set('filler', 'x'.repeat(2000));
      await catalog.write(pair);
      writeSync(1, 'k' + id + '\\n');
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: 8 }, writer));
  for (const { reason } of ends) writeSync(1, 'failed ' + reason.code + ' ' + reason.message + '\\n');
  await catalog.write(pairOf('late', 1)).catch((error) => writeSync(1, 'late ' + error.code + '\\n'));
  await catalog.close().catch((error) => writeSync(1, 'close ' + error.message + '\\n'));
  writeSync(1, 'end\\n');`;
const WRITERS = 8;
const MIB = 1024 * 1024;

/** Answers the keys that were acknowledged before. */
async function fillUntilItFails(root: string, prepare: string): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  const failures: string[] = [];
  await withNodeChild(`${prepare}\n${WRITER}`, [root], async (child) => {
    for (let line = await child.nextLine(); line !== 'end'; line = await child.nextLine()) {
      if (/^k\d+$/.test(line)) acknowledged.push(line);
      else failures.push(line);
    }
  });
  assert.is(
    failures.filter((line) => line.startsWith('failed unavailable Cannot write to the catalog: ')).length,
    WRITERS,
  );
  assert.ok(
    failures.every((line) => !line.startsWith('failed') || line.includes('see that its file system has space')),
  );
  assert.ok(failures.includes('late unavailable'), failures.join('\n'));
  assert.ok(acknowledged.length > 100, `${acknowledged.length} were acknowledged`);
  return acknowledged;
}

async function assertHolds(root: string, acknowledged: readonly string[]): Promise<void> {
  const catalog = await Catalog.open(root);
  try {
    const { snapshots, devices } = catalog.tables;
    assert.equal(
      acknowledged.filter((key) => !snapshots.has(key)),
      [],
    );
    assert.is(snapshots.size, devices.size);
    assert.ok(snapshots.size <= acknowledged.length + WRITERS);
  } finally {
    await catalog.close();
  }
}

/** A file system in memory of that size, mounted while `action` runs. */
async function withSmallDisk(size: string, action: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-disk-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'thinsnap-test', dir]);
    try {
      await action(dir);
    } finally {
      await run('umount', [dir]);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
}

withTools(test, 'prlimit')('the catalog says that a file may not grow, and has all that it acknowledged', async () => {
  await withScratch(async (dir) => {
    const limit = `
      import { execFileSync } from 'node:child_process';
      execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=1000000']);`;
    await assertHolds(dir, await fillUntilItFails(dir, limit));
  });
});

asRootWith(test, 'mount')('the catalog says that the disk is full, and has all that it acknowledged', async () => {
  await withSmallDisk('16m', async (dir) => {
    const root = join(dir, 'state');
    const acknowledged = await fillUntilItFails(root, '');
    await writeFile(join(dir, 'rest'), Buffer.alloc(MIB)).catch(() => undefined);
    assert.match((await faultOf(Catalog.open(root))).message, /No space left|ENOSPC/);
    await run('mount', ['-o', 'remount,size=128m', dir]);
    await assertHolds(root, acknowledged);
  });
});

asRootWith(test, 'mount')('the catalog says that the disk is read-only, and opens once it is not', async () => {
  await withSmallDisk('16m', async (dir) => {
    const catalog = await Catalog.open(dir);
    await catalog.write(pairOf('k1', 1));
    await catalog.close();
    await run('mount', ['-o', 'remount,ro', dir]);
    assert.match((await faultOf(Catalog.open(dir))).message, /^Cannot lock .*Read-only file system/i);
    await run('mount', ['-o', 'remount,rw', dir]);
    await assertHolds(dir, ['k1']);
  });
});

test.run();
