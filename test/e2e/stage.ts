// What a test of the running daemon stands on: one daemon for a whole suite, keys that no other test uses, committed
// layers with known files, and a limit for each test.

import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import type { Info } from '../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { Mount } from '../../src/main/rpc/gen/containerd/types/mount_pb.ts';
import { removeAll } from '../support/clearing.ts';
import type { Daemon } from '../support/daemon.ts';
import { withMounted } from '../support/mounting.ts';
import type { LabelMap, SnapshotsClient } from '../support/snapshots-client.ts';
import { withTimeout } from '../support/with-timeout.ts';

/** Whole programmes take longer than samples: as many times as in the runner. */
const { THINSNAP_TEST_PATIENCE: patience = '1' } = process.env;
/** One test, chains of 128 layers on a slow machine included. */
const TEST_LIMIT_MS = 600_000 * Number(patience);

export interface Stage {
  readonly daemon: Daemon;
  readonly client: SnapshotsClient;
  /** Registers a test. */
  test(name: string, action: () => Promise<void>): void;
  /** A key that nobody else has. */
  key(): string;
  /** A new committed snapshot; `fill` writes to its mounted root. */
  layer(parent?: string, fill?: (dir: string) => Promise<void>): Promise<string>;
  /** A new view: the cheapest of snapshots. */
  aView(labels?: LabelMap): Promise<string>;
  mounted<T>(mounts: readonly Mount[], action: (dir: string) => Promise<T>): Promise<T>;
}

/** Registers tests on one subject. */
export type Topic = (stage: Stage) => void;

/** Registers what `topics` register, as one suite over one daemon that is started before and removed after. */
export function stageSuite(name: string, makeDaemon: () => Promise<Daemon>, topics: readonly Topic[]): void {
  const tests = suite(name);
  const stage = makeStage((title, action) => {
    tests(title, () => withTimeout(action(), TEST_LIMIT_MS, title));
  });
  // A test, for uvu says nothing of what a hook throws.
  stage.test('the daemon starts', async () => stage.use(await makeDaemon()));
  tests.after(async () => {
    const daemon = stage.running();
    if (daemon === null) return;
    try {
      await daemon.stop();
    } finally {
      await daemon.remove();
    }
  });
  for (const topic of [...topics, emptied]) topic(stage);
  tests.run();
}

/** The topics so many times over, each time upon an empty store, for `stageSuite`; titles tell which time it is. */
export function repeated(topics: readonly Topic[], times: number): readonly Topic[] {
  return Array.from({ length: times }, (_, time): readonly Topic[] => {
    if (time === 0) return topics;
    const again = topics.map(
      (topic): Topic =>
        (stage) =>
          topic(titled(stage, ` (time ${time + 1} of ${times})`)),
    );
    return [emptied, ...again];
  }).flat();
}

/** Which of the two kinds of nanoseconds an Info's timestamps are: as one number, to compare. */
export function createdNs(info: Info): bigint {
  return info.createdAt === undefined ? 0n : info.createdAt.seconds * 1_000_000_000n + BigInt(info.createdAt.nanos);
}

export function updatedNs(info: Info): bigint {
  return info.updatedAt === undefined ? 0n : info.updatedAt.seconds * 1_000_000_000n + BigInt(info.updatedAt.nanos);
}

function emptied(stage: Stage): void {
  stage.test('every snapshot can be removed, children first', async () => removeAll(stage.client));
}

/** The same stage, whose tests' titles end so. */
function titled(stage: Stage, end: string): Stage {
  return {
    get daemon() {
      return stage.daemon;
    },
    get client() {
      return stage.client;
    },
    test: (name, action) => stage.test(`${name}${end}`, action),
    key: () => stage.key(),
    layer: (parent, fill) => stage.layer(parent, fill),
    aView: (labels) => stage.aView(labels),
    mounted: (mounts, action) => stage.mounted(mounts, action),
  };
}

interface OwnStage extends Stage {
  use(daemon: Daemon): void;
  running(): Daemon | null;
}

function makeStage(register: (name: string, action: () => Promise<void>) => void): OwnStage {
  let running: Daemon | null = null;
  const prefix = randomUUID().slice(0, 8);
  let keys = 0;
  return {
    use(daemon) {
      running = daemon;
    },
    running: () => running,
    get daemon() {
      if (running === null) throw new Error('The daemon was not started');
      return running;
    },
    get client() {
      return this.daemon.client;
    },
    test: register,
    key() {
      keys += 1;
      return `${prefix}-${keys}`;
    },
    async layer(parent = '', fill = async () => undefined) {
      const [key, name] = [this.key(), this.key()];
      const mounts = await this.client.prepare(key, parent);
      await this.mounted(mounts, fill);
      await this.client.commit(name, key);
      return name;
    },
    async aView(labels = {}) {
      const key = this.key();
      await this.client.view(key, '', labels);
      return key;
    },
    async mounted(mounts, action) {
      const root = join(this.daemon.root, 'mnt');
      await mkdir(root, { recursive: true });
      return withMounted(root, mounts, action);
    },
  };
}
