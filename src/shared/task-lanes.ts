// Which threads run each task.

import type { TaskName } from './tasks.ts';

/**
 * Lanes share no thread, so that no call waits behind what takes long. `fast`: a few ioctls, which mostly wait for RCU;
 * `slow`: tools and copies; `delete`: what holds the pool's lock for as long as there are blocks to free.
 */
export type TaskLane = 'fast' | 'slow' | 'delete';

export const TASK_LANES: Record<TaskName, TaskLane> = {
  probe: 'fast',
  fenceOrphans: 'fast',
  machineFacts: 'slow',
  poolFacts: 'fast',
  poolStatus: 'fast',
  poolTag: 'fast',
  poolThinIds: 'slow',
  poolFootprints: 'slow',
  listDevices: 'fast',
  createSnap: 'fast',
  growThin: 'slow',
  snapActive: 'fast',
  createBase: 'slow',
  activate: 'fast',
  deactivate: 'fast',
  sealThin: 'fast',
  thinMapped: 'fast',
  discardThin: 'slow',
  deleteThins: 'delete',
  resume: 'fast',
  makeLoopFiles: 'slow',
  assemblePool: 'slow',
  disassemblePool: 'slow',
  extendPool: 'slow',
  poolRoom: 'slow',
  surveyDevice: 'slow',
  lvmGroup: 'slow',
  poolNeeds: 'slow',
  poolStep: 'slow',
  checkPool: 'slow',
  repairPool: 'slow',
  createBaseFile: 'slow',
  copyFile: 'slow',
  sealFile: 'fast',
  copyMountedFile: 'slow',
  fileAllocated: 'fast',
  reserveFile: 'slow',
  fileFootprints: 'slow',
  openFiles: 'slow',
  removeFile: 'delete',
  thawFiles: 'slow',
};
