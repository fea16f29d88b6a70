// Lists that are long: ten snapshots with 4 KB of labels each, a thousand, and as many as THINSNAP_HOSTILE_CASES has, in one store
// that grows. How soon a List begins, what it costs others and what a snapshot takes in memory is measured and printed.

import { setTimeout as sleep } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import * as assert from 'uvu/assert';
import {
  ListSnapshotsResponseSchema,
  Snapshots,
} from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { factsOf } from '../../support/process-facts.ts';
import type { Stage } from '../stage.ts';
import { ATTACK_MS, assertAnswered, CASES, compared, print, watched } from './calm.ts';

const SIZES = [10, 1_000, 10_000, 100_000].filter((size) => size <= Math.max(1_000, CASES));
const LABEL = 'l'.repeat(4000);
const MESSAGE_BYTES_MAX = 1024 * 1024;
/** Many enough that what each takes is more than the heap's ups and downs. */
const TELLING = 10_000;
/** Of memory, for one of those: 14.7 KiB of 10,000 in a daemon that had done nothing before. */
const SNAPSHOT_BYTES_MAX = 24 * 1024;
const IN_FLIGHT = 32;
/** For so long the list is asked for again and again, while others are watched. */
const LISTINGS_MS = Math.min(2_000, ATTACK_MS);

/** What the tests of it have put there so far. */
export interface Store {
  readonly keys: readonly string[];
}

export function longLists(stage: Stage): Store {
  const keys: string[] = [];
  let emptyBytes = 0;
  for (const size of SIZES) {
    stage.test(`a List of ${size} snapshots comes in messages of less than 1 MiB, and whole`, async () => {
      const { pid } = stage.daemon;
      const watchedKey = await stage.aView();
      if (keys.length === 0) emptyBytes = (await factsOf(pid)).rssBytes;
      const more = Array.from({ length: size - keys.length }, () => stage.key());
      await each(more, (key) => stage.client.view(key, '', { label: LABEL }));
      keys.push(...more);
      const quiet = await watched(stage, watchedKey, () => sleep(LISTINGS_MS / 2));
      const filledBytes = (await factsOf(pid)).rssBytes;
      const firstsMs: number[] = [];
      const calm = await watched(stage, watchedKey, async () => {
        const deadlineMs = performance.now() + LISTINGS_MS;
        do {
          const { names, largestBytes, firstMs } = await list(stage);
          firstsMs.push(firstMs);
          assert.ok(largestBytes < MESSAGE_BYTES_MAX, `a message of ${largestBytes} bytes`);
          assert.is(keys.filter((key) => !names.has(key)).length, 0);
        } while (performance.now() < deadlineMs);
      });
      const bytesEach = (filledBytes - emptyBytes) / size;
      print(
        `List of ${size}: the first message after ${Math.max(...firstsMs).toFixed(1)} ms at the latest of ${firstsMs.length}; ` +
          `Stat: ${compared(quiet, calm)}; memory ${(bytesEach / 1024).toFixed(1)} KiB each`,
      );
      assertAnswered(calm);
      if (size >= TELLING) assert.ok(bytesEach < SNAPSHOT_BYTES_MAX, `a snapshot takes ${bytesEach} bytes`);
      await stage.client.remove(watchedKey);
    });
  }
  return { keys };
}

interface Listing {
  readonly names: ReadonlySet<string>;
  readonly largestBytes: number;
  readonly firstMs: number;
}

/** Nothing is kept but the names: a hundred thousand labels are more than a client of ours needs. */
async function list({ client }: Stage): Promise<Listing> {
  const names = new Set<string>();
  let [largestBytes, firstMs] = [0, 0];
  const startMs = performance.now();
  for await (const bytes of client.grpc.stream(Snapshots.method.list, {})) {
    if (names.size === 0) firstMs = performance.now() - startMs;
    if (!Buffer.isBuffer(bytes)) throw new TypeError('A stream answered what is no message');
    largestBytes = Math.max(largestBytes, bytes.length);
    for (const { name } of fromBinary(ListSnapshotsResponseSchema, bytes).info) names.add(name);
  }
  return { names, largestBytes, firstMs };
}

export async function each(keys: readonly string[], action: (key: string) => Promise<unknown>): Promise<void> {
  const rest = keys.values();
  const work = async (): Promise<void> => {
    for (const key of rest) await action(key);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}
