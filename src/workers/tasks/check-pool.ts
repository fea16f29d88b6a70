// What thin_check says of a pool's metadata, whether the pool is active or not.

import { join } from 'node:path';
import { FaultError, isFault } from '../../shared/faults.ts';
import { lvmDeviceName, type PoolMakeup } from '../../shared/pool-makeup.ts';
import type { MetadataVerdict } from '../../shared/pool-steps.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import { detachLoop } from '../block/loop.ts';
import type { Engine } from '../devmapper/engine.ts';
import { attachLoopFile } from '../pools/loop-files.ts';
import { runLvm } from '../pools/lvm.ts';
import { withMetadataSnapshot } from '../pools/metadata-snapshot.ts';
import { rawPart } from '../pools/raw-device.ts';
import { checkMetadata, needsCheck } from '../pools/thin-check.ts';

export async function checkPool(engine: Engine, { name, makeup }: TaskArgs<'checkPool'>): Promise<MetadataVerdict> {
  const live = await isLive(engine, name);
  try {
    if (live) {
      await withMetadataSnapshot(engine, name, (path) => checkMetadata(path, 'snapshot'));
      return { kind: 'sound', live, cleared: false };
    }
    const cleared = await withMetadata(makeup, async (path) => {
      // LVM lets nobody write to it, and clears the mark itself when it activates the pool.
      const marked = makeup.kind !== 'lvm' && (await needsCheck(path));
      await checkMetadata(path, makeup.kind === 'lvm' ? 'look' : 'clear needs_check');
      return marked;
    });
    return { kind: 'sound', live, cleared };
  } catch (error) {
    if (!isFault(error, 'pool-unsound')) throw error;
    return { kind: 'damaged', live, found: error.message };
  }
}

export async function isLive(engine: Engine, name: string): Promise<boolean> {
  try {
    return (await engine.info(name)).live;
  } catch (error) {
    if (isFault(error, 'device-missing')) return false;
    throw error;
  }
}

/** Runs `action` with the path of the metadata of a pool that is not active. */
async function withMetadata<Answer>(makeup: PoolMakeup, action: (path: string) => Promise<Answer>): Promise<Answer> {
  switch (makeup.kind) {
    case 'raw':
      return action((await rawPart(makeup.metadataPath)).path);
    case 'loop': {
      const { path } = await attachLoopFile(join(makeup.dir, 'metadata'), () => undefined);
      try {
        return await action(path);
      } finally {
        await detachLoop(path);
      }
    }
    case 'lvm': {
      const volume = `${makeup.vg}/${makeup.lv}_tmeta`;
      // Component activation, read-only (lvmthin(7)).
      await runLvm(['lvchange', '--yes', '--activate', 'y', volume]);
      try {
        return await action(`/dev/mapper/${lvmDeviceName(makeup.vg, `${makeup.lv}_tmeta`)}`);
      } finally {
        await runLvm(['lvchange', '--activate', 'n', volume]);
      }
    }
  }
}

/** Offline repair and whatever else changes metadata behind the kernel's back would ruin an active pool. */
export async function refuseLive(engine: Engine, name: string): Promise<void> {
  if (!(await isLive(engine, name))) return;
  const advice = `Stop what uses it, and run "thinsnap pool deactivate ${name}"`;
  throw new FaultError('device-busy', `Cannot repair pool ${name}: it is active. ${advice}`);
}
