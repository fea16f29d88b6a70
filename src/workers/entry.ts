// What Piscina loads in each worker thread: one function that runs any task and answers values, since an Error that
// crosses to the main thread loses its class and code. The device-mapper engine is chosen once for each thread.
//
// The build makes one file of this and of all of ours that it imports (`npm run bundle`), as of the two programs: each thread loads
// them for itself, and 80 files took a thread 0.2 s of processor time, one takes 0.04 s.

import { workerData } from 'node:worker_threads';
import { armWith, type FailpointSetup, failpoint } from '../shared/failpoints.ts';
import { FaultError, toFault } from '../shared/faults.ts';
import {
  ENGINE_KINDS,
  type EngineChoice,
  type TaskArgs,
  type TaskHandlers,
  type TaskName,
  type TaskReply,
} from '../shared/tasks.ts';
import { boundYoungGeneration } from '../shared/young-generation.ts';
import { type ChosenEngine, chooseEngine } from './devmapper/choose-engine.ts';
import type { Engine } from './devmapper/engine.ts';
import { inheritInTools } from './exec.ts';
import { activate } from './tasks/activate.ts';
import { assemblePool } from './tasks/assemble-pool.ts';
import { checkPool } from './tasks/check-pool.ts';
import { copyFile } from './tasks/copy-file.ts';
import { copyMountedFile } from './tasks/copy-mounted-file.ts';
import { createBase } from './tasks/create-base.ts';
import { createBaseFile } from './tasks/create-base-file.ts';
import { createSnap } from './tasks/create-snap.ts';
import { deactivate } from './tasks/deactivate.ts';
import { deleteThins } from './tasks/delete-thins.ts';
import { disassemblePool } from './tasks/disassemble-pool.ts';
import { discardThin } from './tasks/discard-thin.ts';
import { extendPool } from './tasks/extend-pool.ts';
import { fenceOrphans } from './tasks/fence-orphans.ts';
import { fileAllocated } from './tasks/file-allocated.ts';
import { fileFootprints } from './tasks/file-footprints.ts';
import { growThin } from './tasks/grow-thin.ts';
import { listDevices } from './tasks/list-devices.ts';
import { lvmGroup } from './tasks/lvm-group.ts';
import { machineFacts } from './tasks/machine-facts.ts';
import { makeLoopFiles } from './tasks/make-loop-files.ts';
import { openFiles } from './tasks/open-files.ts';
import { poolFacts } from './tasks/pool-facts.ts';
import { poolFootprints } from './tasks/pool-footprints.ts';
import { poolNeeds } from './tasks/pool-needs.ts';
import { poolRoom } from './tasks/pool-room.ts';
import { poolStatus } from './tasks/pool-status.ts';
import { poolStep } from './tasks/pool-step.ts';
import { poolTag } from './tasks/pool-tag.ts';
import { poolThinIds } from './tasks/pool-thin-ids.ts';
import { removeFile } from './tasks/remove-file.ts';
import { repairPool } from './tasks/repair-pool.ts';
import { reserveFile } from './tasks/reserve-file.ts';
import { resume } from './tasks/resume.ts';
import { sealFile } from './tasks/seal-file.ts';
import { sealThin } from './tasks/seal-thin.ts';
import { snapActive } from './tasks/snap-active.ts';
import { surveyDevice } from './tasks/survey-device.ts';
import { thawFiles } from './tasks/thaw-files.ts';
import { thinMapped } from './tasks/thin-mapped.ts';

const handlers: TaskHandlers = {
  probe: async () => (await chosenEngine()).report,
  fenceOrphans,

  machineFacts,

  poolFacts: onEngine(poolFacts),
  poolStatus: onEngine(poolStatus),
  poolTag: onEngine(poolTag),
  poolThinIds: onEngine(poolThinIds),
  poolFootprints: onEngine(poolFootprints),
  listDevices: onEngine(listDevices),
  createSnap: onEngine(createSnap),
  growThin,
  snapActive: onEngine(snapActive),
  createBase: onEngine(createBase),
  activate: onEngine(activate),
  deactivate: onEngine(deactivate),
  sealThin: onEngine(sealThin),
  thinMapped: onEngine(thinMapped),
  discardThin: onEngine(discardThin),
  deleteThins: onEngine(deleteThins),
  resume: onEngine(resume),

  makeLoopFiles,
  assemblePool: onEngine(assemblePool),
  disassemblePool: onEngine(disassemblePool),
  extendPool: onEngine(extendPool),
  poolRoom,

  surveyDevice,
  lvmGroup,
  poolNeeds,
  poolStep: lazily(poolStep),
  checkPool: onEngine(checkPool),
  repairPool: onEngine(repairPool),

  createBaseFile,
  copyFile,
  sealFile,
  copyMountedFile,
  fileAllocated,
  reserveFile,
  fileFootprints,
  openFiles,
  removeFile,
  thawFiles,
};

export interface TaskRequest<Name extends TaskName> {
  readonly task: Name;
  readonly args: TaskArgs<Name>;
}

/** Never throws: whatever went wrong is in the reply. */
export async function runTask<Name extends TaskName>({ task, args }: TaskRequest<Name>): Promise<TaskReply<Name>> {
  try {
    await failpoint(`task.${task}.begun`);
    const value = await handlers[task](args);
    await failpoint(`task.${task}.done`);
    return { ok: true, value };
  } catch (error) {
    return { ok: false, fault: toFault(error) };
  }
}

let chosen: Promise<ChosenEngine> | null = null;

/** The blockfile tasks need no engine, so a machine without device-mapper fails only what asks for one. */
async function chosenEngine(): Promise<ChosenEngine> {
  chosen ??= chooseEngine(parseEngine(workerData));
  try {
    return await chosen;
  } catch (error) {
    // The module may be loaded and the tool installed by the time of the next task.
    chosen = null;
    throw error;
  }
}

function onEngine<Args, Answer>(
  task: (engine: Engine, args: Args) => Promise<Answer>,
): (args: Args) => Promise<Answer> {
  return async (args) => task((await chosenEngine()).engine, args);
}

/** For what needs an engine in part only: it asks for one when it does. */
function lazily<Args, Answer>(
  task: (engine: () => Promise<Engine>, args: Args) => Promise<Answer>,
): (args: Args) => Promise<Answer> {
  return (args) => task(async () => (await chosenEngine()).engine, args);
}

function parseEngine(data: unknown): EngineChoice {
  if (typeof data === 'object' && data !== null && 'engine' in data) {
    const engine = (['auto', ...ENGINE_KINDS] as const).find((kind) => kind === data.engine);
    if (engine !== undefined) return engine;
  }
  throw new FaultError('bug', 'a worker was started without its setup');
}

function failpointsIn(data: unknown): FailpointSetup | null {
  if (typeof data !== 'object' || data === null || !('failpoints' in data)) return null;
  const { failpoints } = data;
  if (typeof failpoints !== 'object' || failpoints === null) return null;
  if (!('text' in failpoints && 'passages' in failpoints)) return null;
  const { text, passages } = failpoints;
  return typeof text === 'string' && passages instanceof SharedArrayBuffer ? { text, passages } : null;
}

function childLockIn(data: unknown): number | null {
  if (typeof data !== 'object' || data === null || !('childLock' in data)) return null;
  return typeof data.childLock === 'number' ? data.childLock : null;
}

boundYoungGeneration();
inheritInTools(childLockIn(workerData));
const failpoints = failpointsIn(workerData);
if (failpoints !== null) armWith(failpoints);
