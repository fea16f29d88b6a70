// Offline repair of a pool's metadata. The damaged one is kept: a repair may lose what a better tool would find.

import { constants } from 'node:fs';
import { copyFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoopMakeup, LvmMakeup, RawMakeup } from '../../shared/pool-makeup.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import { parseBytes } from '../../shared/units.ts';
import { makeSparse, syncFile } from '../block/copy.ts';
import type { Engine } from '../devmapper/engine.ts';
import { withErrno } from '../errno.ts';
import { runTool } from '../exec.ts';
import { runLvm } from '../pools/lvm.ts';
import { checkMetadata } from '../pools/thin-check.ts';
import { refuseLive } from './check-pool.ts';

const THIN_REPAIR_TIMEOUT_MS = 1_800_000;
const COPY_TIMEOUT_MS = 600_000;

export async function repairPool(
  engine: Engine,
  { name, makeup, keepIn }: TaskArgs<'repairPool'>,
): Promise<{ kept: string }> {
  await refuseLive(engine, name);
  switch (makeup.kind) {
    case 'loop':
      return { kept: await repairFile(makeup) };
    case 'raw':
      return { kept: await repairDevice(makeup, join(keepIn, `${name}-metadata.damaged-${Date.now()}`)) };
    case 'lvm':
      return { kept: await repairLvm(makeup) };
  }
}

async function repairFile({ dir }: LoopMakeup): Promise<string> {
  const path = join(dir, 'metadata');
  const repaired = join(dir, 'metadata.repaired');
  const kept = join(dir, `metadata.damaged-${Date.now()}`);
  const { size } = await withErrno(`look at ${path}`, () => stat(path));
  await withErrno(`clear ${repaired}`, () => rm(repaired, { force: true }));
  await makeSparse(repaired, parseBytes(size));
  try {
    await repair(path, repaired);
    await syncFile(repaired);
  } catch (error) {
    await rm(repaired, { force: true });
    throw error;
  }
  await withErrno(`put the repaired metadata in its place`, async () => {
    await copyFile(path, kept, constants.COPYFILE_EXCL);
    await syncFile(kept);
    await rename(repaired, path);
  });
  return kept;
}

async function repairDevice({ metadataPath }: RawMakeup, kept: string): Promise<string> {
  await runTool('cp', ['--sparse=always', '--', metadataPath, kept], { timeoutMs: COPY_TIMEOUT_MS });
  await syncFile(kept);
  await repair(kept, metadataPath);
  return kept;
}

async function repair(from: string, to: string): Promise<void> {
  await runTool('thin_repair', ['-i', from, '-o', to], { timeoutMs: THIN_REPAIR_TIMEOUT_MS });
  await checkMetadata(to, 'look');
}

/** LVM makes the repaired metadata in its spare volume, and keeps the old one as a volume of its own. */
async function repairLvm({ vg, lv }: LvmMakeup): Promise<string> {
  await runLvm(['lvconvert', '--yes', '--repair', `${vg}/${lv}`]);
  return `LVM's volume ${vg}/${lv}_meta0, or the one with the highest number`;
}
