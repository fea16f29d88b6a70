// What comes and goes leaves nothing in the daemon's memory: what is alive in the main thread's heap is as much as before, to within
// a kilobyte for each hundred calls.
//
// THINSNAP_HEAP_LIVES: snapshots that come and go in each of the parts.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { BLOCK_FILES } from '../support/block-files.ts';
import { type Daemon, makeDaemon } from '../support/daemon.ts';
import { heapEnv, liveBytes } from '../support/live-heap.ts';
import { LIFE_CALLS, liveOften } from './life.ts';
import { type Stage, stageSuite } from './stage.ts';

const { THINSNAP_HEAP_LIVES: wanted = '100' } = process.env;
const LIVES = Number(wanted);
/** After one that goes before: some things are made once, as workers, caches and idle queues. */
const PARTS = 2;
/** Of growth, for each hundred calls. */
const BYTES_MAX = 1024;

async function startDaemon(): Promise<Daemon> {
  const daemon = await makeDaemon({ config: BLOCK_FILES });
  try {
    await mkdir(heapOf(daemon));
    await daemon.start(heapEnv(heapOf(daemon)));
    return daemon;
  } catch (error) {
    await daemon.remove();
    throw error;
  }
}

function heapOf({ root }: Daemon): string {
  return join(root, 'heap');
}

function liveHeap(stage: Stage): void {
  stage.test(`no more is alive in the heap after ${PARTS} times ${LIVES} snapshots have come and gone`, async () => {
    const parent = await stage.layer();
    let before = 0;
    for (let part = 0; part <= PARTS; part += 1) {
      await liveOften(stage, parent, LIVES);
      await stage.client.cleanup();
      const bytes = await liveBytes(stage.daemon, heapOf(stage.daemon));
      const growth = ((bytes - before) / (LIVES * LIFE_CALLS)) * 100;
      process.stdout.write(`${bytes} bytes are alive, ${Math.round(growth)} more for each 100 calls\n`);
      if (part > 0) assert.ok(growth < BYTES_MAX, `${growth} bytes more for each 100 of ${LIVES * LIFE_CALLS} calls`);
      before = bytes;
    }
  });
}

stageSuite('live heap, blockfile', startDaemon, [liveHeap]);
