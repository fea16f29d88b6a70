// How many durable writes per second the catalog makes for 64 writers at once, each write a new device and its
// snapshot, as Prepare has it. The disk decides: give it a folder on the disk that is meant.
//
//   npm run bench:catalog -- [FOLDER]        FOLDER: the system's temporary one, unless given

import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalog } from '../src/main/catalog/catalog.ts';
import type { Change } from '../src/main/catalog/tables.ts';
import { Clock } from '../src/main/snapshots/clock.ts';
import { GIB, parseBytes } from '../src/shared/units.ts';

const WRITERS = 64;
const ROUNDS = 5;
const ROUND_MS = 2_000;
/** The first writes compile the code and grow the log: not what a daemon that runs does. */
const WARM_UP_MS = 1_000;
/** One batch of 64 such writes, as bytes. */
const PROBE_BYTES = 40_000;
/** linux/magic.h: nothing is durable there. */
const TMPFS_MAGIC = 0x01021994;

const clock = new Clock();

function changesOf(catalog: Catalog, name: string): Change[] {
  const id = catalog.newDeviceId();
  const now = clock.now();
  const none = parseBytes(0);
  return [
    {
      kind: 'put-device',
      device: {
        id,
        place: { kind: 'file' },
        purpose: { kind: 'snapshot' },
        originId: null,
        fsType: 'ext4',
        sizeBytes: parseBytes(10 * GIB),
        baselineBytes: none,
        mappedBytes: none,
        state: 'Activated',
      },
    },
    {
      kind: 'put-snapshot',
      snapshot: {
        kind: 'active',
        key: `default/${id}/${name}`,
        parent: '',
        deviceId: id,
        labels: new Map([['containerd.io/gc.root', '2024-01-01T00:00:00Z']]),
        createdAt: now,
        updatedAt: now,
        idMap: null,
      },
    },
  ];
}

interface Round {
  readonly writes: number;
  /** Of all writers together. */
  readonly perSecond: number;
  /** Of the whole process, LevelDB's threads with it. Unlike the rate, it hardly depends on the disk. */
  readonly cpuUsPerWrite: number;
}

async function measure(catalog: Catalog, durationMs: number): Promise<Round> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  const endMs = startMs + durationMs;
  let writes = 0;
  const writer = async (number: number): Promise<void> => {
    while (performance.now() < endMs) {
      await catalog.write(changesOf(catalog, `writer-${number}`));
      writes += 1;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)));
  const perSecond = (writes * 1000) / (performance.now() - startMs);
  const { user, system } = process.cpuUsage(before);
  return { writes, perSecond, cpuUsPerWrite: (user + system) / writes };
}

/** What the disk itself allows: appends of a batch's size, each made durable, one after another. */
async function probeDisk(folder: string): Promise<number> {
  const file = await open(join(folder, 'probe'), 'w');
  try {
    const block = Buffer.alloc(PROBE_BYTES, 1);
    const startMs = performance.now();
    let syncs = 0;
    for (; performance.now() - startMs < WARM_UP_MS; syncs += 1) {
      await file.write(block);
      await file.datasync();
    }
    return (syncs * 1000) / (performance.now() - startMs);
  } finally {
    await file.close();
  }
}

/** Opens it once more: what was not there after all does not count. */
async function check(rootPath: string, writes: number): Promise<void> {
  const catalog = await Catalog.open(rootPath);
  const { snapshots, devices } = catalog.tables;
  await catalog.close();
  if (snapshots.size === writes && devices.size === writes) return;
  throw new Error(`Cannot trust the figure: of ${writes} writes, ${snapshots.size} snapshots are in the catalog`);
}

function inOrder(figures: readonly number[]): string[] {
  return figures.toSorted((a, b) => a - b).map((figure) => figure.toFixed(0));
}

function middle(ordered: readonly string[]): string {
  return ordered[Math.floor(ordered.length / 2)] ?? '';
}

async function main(parent: string): Promise<void> {
  const { type } = await statfs(parent);
  if (type === TMPFS_MAGIC) throw new Error(`Cannot measure on ${parent}: it is in memory. Name a folder on a disk`);
  const folder = await mkdtemp(join(parent, 'thinsnap-bench-'));
  try {
    const syncs = await probeDisk(folder);
    process.stdout.write(`the disk alone: ${syncs.toFixed(0)} synced appends of ${PROBE_BYTES} bytes/s\n`);
    const catalog = await Catalog.open(folder);
    const rounds: Round[] = [];
    let warmUp: Round;
    try {
      warmUp = await measure(catalog, WARM_UP_MS);
      for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure(catalog, ROUND_MS));
    } finally {
      await catalog.close();
    }
    await check(
      folder,
      [warmUp, ...rounds].reduce((sum, { writes }) => sum + writes, 0),
    );
    const rates = inOrder(rounds.map(({ perSecond }) => perSecond));
    const cpu = inOrder(rounds.map(({ cpuUsPerWrite }) => cpuUsPerWrite));
    process.stdout.write(`${WRITERS} writers: ${middle(rates)} durable writes/s (rounds: ${rates.join(' ')})\n`);
    process.stdout.write(`CPU time of a write: ${middle(cpu)} µs (rounds: ${cpu.join(' ')})\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await main(process.argv[2] ?? tmpdir());
