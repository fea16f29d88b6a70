// Does one step of a plan that makes a pool or takes one apart.

import { mkdir, open, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isFault } from '../../shared/faults.ts';
import { LOOP_FILES, METADATA_BLOCK_BYTES } from '../../shared/pool-makeup.ts';
import { ERASED_END_BYTES, type PoolStep } from '../../shared/pool-steps.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { errnoOf, withErrno } from '../errno.ts';
import { runTool, ToolError } from '../exec.ts';
import { runLvm } from '../pools/lvm.ts';
import { assemblePool } from './assemble-pool.ts';
import { disassemblePool } from './disassemble-pool.ts';
import { makeLoopFiles } from './make-loop-files.ts';

const WIPEFS_TIMEOUT_MS = 60_000;
/** A large disk without a queue of its own takes minutes. */
const DISCARD_TIMEOUT_MS = 1_800_000;

export async function poolStep(engine: () => Promise<Engine>, { step }: TaskArgs<'poolStep'>): Promise<void> {
  switch (step.kind) {
    case 'wipe-signatures':
      await runTool('wipefs', ['--all', step.path], { timeoutMs: WIPEFS_TIMEOUT_MS });
      return undefined;
    case 'blank-metadata':
      return zero(step.path, [{ start: 0, bytes: METADATA_BLOCK_BYTES }]);
    case 'erase':
      return erase(step.path, step.sizeBytes);
    case 'lvm':
      return lvm(step);
    case 'write-profile':
      return writeProfile(step);
    case 'remove-profile':
      return withErrno('remove the profile', () => rm(profilePath(step.profile), { force: true }));
    case 'make-files':
      return makeLoopFiles(step);
    case 'remove-files':
      return removeFiles(step);
    case 'assemble':
      await assemblePool(await engine(), { ...step.pool, check: false });
      return undefined;
    case 'disassemble':
      return disassemblePool(await engine(), step.pool);
  }
}

async function lvm({ words, absent }: Extract<PoolStep, { kind: 'lvm' }>): Promise<void> {
  try {
    await runLvm(words);
  } catch (error) {
    if (!(absent === 'fine' && isFault(error, 'device-missing'))) throw error;
  }
}

/** What nobody may read any more, as far as the disk can forget it; and no signature of it at either end. */
async function erase(path: string, sizeBytes: number): Promise<void> {
  try {
    await runTool('blkdiscard', [path], { timeoutMs: DISCARD_TIMEOUT_MS });
  } catch (error) {
    // "Operation not supported": most disks that turn have no discards.
    if (!(error instanceof ToolError && error.exitCode !== null)) throw error;
  }
  const bytes = Math.min(ERASED_END_BYTES, sizeBytes);
  await zero(path, [
    { start: 0, bytes },
    { start: sizeBytes - bytes, bytes },
  ]);
}

async function zero(path: string, ranges: readonly { start: number; bytes: number }[]): Promise<void> {
  await withErrno(`zero ${path}`, async () => {
    const handle = await open(path, 'r+');
    try {
      for (const { start, bytes } of ranges) await handle.write(Buffer.alloc(bytes), 0, bytes, start);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/** lvm.conf(5), metadata profiles: where LVM looks for them. */
function profilePath(profile: string): string {
  return `/etc/lvm/profile/${profile}.profile`;
}

async function writeProfile(step: Extract<PoolStep, { kind: 'write-profile' }>): Promise<void> {
  const { profile, thresholdPercent, percent } = step;
  const path = profilePath(profile);
  const settings = `thin_pool_autoextend_threshold=${thresholdPercent}\n\tthin_pool_autoextend_percent=${percent}`;
  await withErrno(`write ${path}`, async () => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `activation {\n\t${settings}\n}\n`);
  });
}

async function removeFiles({ dir, directory }: Extract<PoolStep, { kind: 'remove-files' }>): Promise<void> {
  await withErrno(`remove the files in ${dir}`, async () => {
    for (const file of LOOP_FILES) await rm(join(dir, file), { force: true });
    if (!directory) return;
    try {
      await rmdir(dir);
    } catch (error) {
      // Whatever else somebody put there stays.
      if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'ENOENT') throw error;
    }
  });
}
