// The pool of hosts that have no disk to spare: two sparse files on loop devices. It is brought back as it was after a
// reboot, grown when its files are to be larger, and left alone when all is as asked for.

import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import {
  type Bytes,
  KIB,
  parseBytes,
  parseSectors,
  SECTOR_BYTES,
  type Sectors,
  toSectors,
} from '../../shared/units.ts';
import { attachLoop, detachLoop, findLoops } from '../block/loop.ts';
import type { DeviceInfo, Engine, TargetLine } from '../devmapper/engine.ts';
import { linkNode } from '../devmapper/node.ts';
import { readPool } from '../devmapper/pool.ts';
import { poolTable } from '../devmapper/status.ts';
import { createDevice, findOwn, removeOwn } from '../devmapper/thin-device.ts';
import { withErrno } from '../errno.ts';
import { type NoteUndo, withUndo } from '../undo.ts';

const BLOCK_SECTORS = parseSectors((64 * KIB) / SECTOR_BYTES);
const METADATA_BLOCK_BYTES = 4096;
// What the kernel uses of a metadata device at most (thin-provisioning.rst).
const METADATA_MAX_BYTES = 17_045_913_600;
// The kernel's event comes when a fifth is left: where the pools of LVM extend themselves by default.
const LOW_WATER_SHARE = 0.2;
// By default a full pool lets writers hang for 60 s (no_space_timeout), and all that wait for them.
const FEATURES = ['error_if_no_space'] as const;

export function openLoopPool(engine: Engine, args: TaskArgs<'openLoopPool'>): Promise<TaskAnswer<'openLoopPool'>> {
  const { dir, pool, uuid } = args;
  return withUndo(async (note) => {
    const live = await findOwn(engine, { name: pool, uuid });
    await withErrno(`make ${dir}`, () => mkdir(dir, { recursive: true, mode: 0o700 }));
    const data = await openBacking(`${dir}/data`, args.dataBytes, note);
    const metadata = await openBacking(`${dir}/metadata`, args.metadataBytes, note);
    const table = toTable(data, metadata);
    if (live?.live === true) {
      await refresh(engine, live, { table, metadataBytes: metadata.sizeBytes });
      return { created: false };
    }
    // What a crash between its creation and its resume left.
    if (live !== null) await removeOwn(engine, live, 'returns');
    const created = await isBlank(`${dir}/metadata`);
    await createDevice(engine, { name: pool, uuid, readOnly: false, table });
    return { created };
  });
}

interface Backing {
  readonly device: string;
  readonly sizeBytes: Bytes;
}

/** A loop device on the file, which is made, or grown, to the size wanted; never made smaller. */
async function openBacking(path: string, wantedBytes: Bytes, note: NoteUndo): Promise<Backing> {
  const sizeBytes = await withErrno(`extend ${path}`, () => extendFile(path, wantedBytes));
  const before = await findLoops(path);
  const device = await attachLoop(path, { directIo: true });
  if (!before.includes(device)) note(`loop device ${device}`, () => detachLoop(device));
  return { device, sizeBytes };
}

async function extendFile(path: string, wantedBytes: Bytes): Promise<Bytes> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const { size } = await handle.stat();
    if (size >= wantedBytes) return parseBytes(size);
    await handle.truncate(wantedBytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(dirname(path));
  return wantedBytes;
}

/** A new file is there after a power loss only once its folder is on disk. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function toTable(data: Backing, metadata: Backing): TargetLine {
  const sectors = toSectors(data.sizeBytes);
  const sizeSectors: Sectors = parseSectors(sectors - (sectors % BLOCK_SECTORS));
  return poolTable({
    metadataPath: metadata.device,
    dataPath: data.device,
    sizeSectors,
    blockSectors: BLOCK_SECTORS,
    lowWaterBlocks: Math.floor((sizeSectors / BLOCK_SECTORS) * LOW_WATER_SHARE),
    features: FEATURES,
  });
}

interface Wanted {
  readonly table: TargetLine;
  readonly metadataBytes: Bytes;
}

/** Brings a live pool to the size of its files, also when a crash came after they had grown. */
async function refresh(engine: Engine, live: DeviceInfo, { table, metadataBytes }: Wanted): Promise<void> {
  if (live.suspended) await engine.resume(live.name);
  linkNode(live.name, live.number);
  const [line] = await engine.table(live.name);
  const { mode, totalMetadataBlocks } = await readPool(engine, live.name, 'noflush');
  // A failed pool has no sizes to compare, and no table would heal it.
  if (line === undefined || mode === 'fail') return;
  const metadataGrew = totalMetadataBlocks * METADATA_BLOCK_BYTES < toUsable(metadataBytes);
  // The pool measures its metadata device each time that it is resumed with a table (pool_preresume in dm-thin.c).
  if (line.lengthSectors < table.lengthSectors || metadataGrew) await engine.reload(live.name, table);
}

function toUsable(metadataBytes: Bytes): number {
  return Math.min(metadataBytes - (metadataBytes % METADATA_BLOCK_BYTES), METADATA_MAX_BYTES);
}

/** The kernel makes a new pool where the first block is zero, and refuses whatever else it does not know. */
async function isBlank(path: string): Promise<boolean> {
  return withErrno(`read ${path}`, async () => {
    const handle = await open(path, 'r');
    try {
      const { buffer } = await handle.read(Buffer.alloc(METADATA_BLOCK_BYTES), 0, METADATA_BLOCK_BYTES, 0);
      return buffer.every((byte) => byte === 0);
    } finally {
      await handle.close();
    }
  });
}
