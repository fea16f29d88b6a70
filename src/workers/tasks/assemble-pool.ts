// Brings a pool back as it was: after a reboot, after a crash, or while it is there already, when it is left alone but for
// its size. Whatever makes a pool ends here too, so there is one way by which a pool comes to be active.

import { join } from 'node:path';
import { FaultError, isFault } from '../../shared/faults.ts';
import type { LoopMakeup, RawMakeup } from '../../shared/pool-makeup.ts';
import type { MetadataCheck, TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';
import { createDevice, findOwn, removeOwn } from '../devmapper/thin-device.ts';
import { allocateLoopFile, attachLoopFile } from '../pools/loop-files.ts';
import { activateLvmPool } from '../pools/lvm.ts';
import { isBlank, type PoolParts, refreshPool, tableOf } from '../pools/pool-target.ts';
import { rawPart } from '../pools/raw-device.ts';
import { checkMetadata } from '../pools/thin-check.ts';
import { type NoteUndo, withUndo } from '../undo.ts';

export async function assemblePool(
  engine: Engine,
  args: TaskArgs<'assemblePool'>,
): Promise<TaskAnswer<'assemblePool'>> {
  const { makeup } = args;
  if (makeup.kind === 'lvm') {
    const activated = await activateLvmPool(makeup);
    return { activated, created: false, check: activated ? 'sound' : 'not-asked' };
  }
  return withUndo((note) => assembleOwn(engine, { ...args, makeup }, note));
}

interface Own {
  readonly name: string;
  readonly makeup: LoopMakeup | RawMakeup;
  readonly check: boolean;
}

async function assembleOwn(
  engine: Engine,
  { name, makeup, check }: Own,
  note: NoteUndo,
): Promise<TaskAnswer<'assemblePool'>> {
  const { uuid } = makeup;
  const live = await findOwn(engine, { name, uuid });
  const parts = await openParts(makeup, note);
  if (live?.live === true) {
    await refreshPool(engine, live, { parts, traits: makeup });
    return { activated: false, created: false, check: 'not-asked' };
  }
  // What a crash between its creation and its resume left.
  if (live !== null) await removeOwn(engine, live, 'returns');
  const created = await isBlank(parts.metadata.path);
  const checked = check && !created ? await checkIfPossible(name, parts.metadata.path) : 'not-asked';
  await createDevice(engine, { name, uuid, readOnly: false, table: tableOf(parts, makeup) });
  return { activated: true, created, check: checked };
}

async function openParts(makeup: LoopMakeup | RawMakeup, note: NoteUndo): Promise<PoolParts> {
  if (makeup.kind === 'raw') {
    return { data: await rawPart(makeup.dataPath), metadata: await rawPart(makeup.metadataPath) };
  }
  const metadataFile = join(makeup.dir, 'metadata');
  const parts = {
    data: await attachLoopFile(join(makeup.dir, 'data'), note),
    metadata: await attachLoopFile(metadataFile, note),
  };
  await allocateLoopFile(metadataFile, parts.metadata.sizeBytes);
  return parts;
}

/** A host without the tool had no check so far either; who asked says so. */
async function checkIfPossible(name: string, metadataPath: string): Promise<MetadataCheck> {
  try {
    await checkMetadata(metadataPath, 'clear needs_check');
    return 'sound';
  } catch (error) {
    if (isFault(error, 'tool-missing')) return 'no-tool';
    if (!isFault(error, 'pool-unsound')) throw error;
    const advice = `Nothing was changed. Run "thinsnap pool check --repair ${name}"`;
    throw new FaultError('pool-unsound', `Cannot activate pool ${name}: ${error.message}. ${advice}`, { cause: error });
  }
}
