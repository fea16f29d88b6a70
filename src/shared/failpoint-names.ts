// Every place in the code where a failure can be planned, in one list, so that tests can plan one at each of them. A name
// says where: the operation, a dot, and what has just been done, or what comes next.
//
// To add one: a name here, and `await failpoint(name)` there. The kill tests then ask for a scenario that passes it.

import { TASK_LANES } from './task-lanes.ts';
import type { TaskName } from './tasks.ts';

/** What every kind of volumes passes. */
const COMMON = [
  'start.root-made',
  'start.database-beside',
  'start.locked',
  'start.catalog-opened',
  'start.workers-started',
  'start.volumes-opened',
  'start.recovered',
  'start.admin-served',
  'start.served',
  'stop.begun',
  'stop.part-closed',

  'catalog.store-opened',
  'catalog.head-written',
  'catalog.file-beside',
  'catalog.file-renamed',
  'catalog.before-batch',
  'catalog.after-batch',
  'catalog.before-identity',
  'catalog.after-identity',

  'recover.begun',
  'recover.compared',
  'recover.before-record',
  'recover.recorded',
  'recover.queued',

  'make.before-intent',
  'make.intended',
  'make.made',
  'abandon.before-record',
  'abandon.recorded',
  'base.before-record',
  'base.recorded',

  'prepare.pinned',
  'prepare.before-record',
  'prepare.recorded',
  'view.activated',
  'view.recorded',
  'commit.sealed',
  'commit.before-record',
  'commit.recorded',
  'commit.copy-made',
  'commit.copy-recorded',
  'remove.before-view-record',
  'remove.view-recorded',
  'remove.before-record',
  'remove.recorded',
  'update.before-record',
  'update.recorded',
  'cleanup.begun',
  'cleanup.done',

  'reaper.before-remove',
  'reaper.removed',
  'reaper.recorded',
  'reaper.before-deactivate',
  'reaper.deactivated',

  'mkfs.made',
] as const;

const BLOCKFILE = [
  'recover.before-file-removed',
  'file.filled',
  'file.synced',
  'file.renamed',
  'remove-file.partial-removed',
  'remove-file.removed',
  'freeze.frozen',
  'freeze.copied',
  'freeze.thawed',
] as const;

const THIN_POOL = [
  'pool.locked',
  'pool.tag-sent',
  'pool.tagged',
  'recover.device-resumed',
  'recover.device-deactivated',

  'standby.before-record',
  'standby.recorded',
  'standby.taken',
  'standby.withdrawn',

  'device.created',
  'device.loaded',
  'device.resumed',
  'device.linked',
  'device.before-remove',
  'device.removed',
  'device.unlinked',
  'create-snap.suspended',
  'create-snap.sent',
  'create-snap.resumed',
  'create-snap.activated',
  'create-base.sent',
  'create-base.activated',
  'create-base.formatted',
  'create-base.committed',
  'create-base.deactivated',
  'snap-active.suspended',
  'snap-active.sent',
  'snap-active.resumed',
  'seal.mapped',
  'delete.sent',
  'discard.opened',
  'discard.done',
] as const;

type TaskPoint = `task.${TaskName}.${'begun' | 'done'}`;
export type FailpointName =
  | (typeof COMMON)[number]
  | (typeof BLOCKFILE)[number]
  | (typeof THIN_POOL)[number]
  | TaskPoint;

const BLOCKFILE_TASKS = [
  'createBaseFile',
  'copyFile',
  'sealFile',
  'copyMountedFile',
  'fileAllocated',
  'removeFile',
  'thawFiles',
] as const satisfies readonly TaskName[];
/** What only an operator asks for: no call of containerd's and no start passes it. */
const OPERATOR_TASKS = [
  'surveyDevice',
  'lvmGroup',
  'poolNeeds',
  'poolStep',
  'checkPool',
  'repairPool',
  'machineFacts',
  'poolFootprints',
  'fileFootprints',
  'openFiles',
] as const satisfies readonly TaskName[];
/** What nobody waits for, and what changes nothing when it fails. */
const BACKGROUND_TASKS = ['reserveFile'] as const satisfies readonly TaskName[];
/** What no scenario passes for being on a thin pool. */
const OTHER_TASKS = new Set<string>([
  ...BLOCKFILE_TASKS,
  ...OPERATOR_TASKS,
  ...BACKGROUND_TASKS,
  'probe',
  'fenceOrphans',
]);
const pointsOf = (tasks: readonly string[]): string[] =>
  tasks.flatMap((task) => [`task.${task}.begun`, `task.${task}.done`]);

/** By the kind of volumes whose scenarios pass them. `probe` is each start's first task; only device-mapper ends it well. */
export const FAILPOINTS: Readonly<Record<'common' | 'blockfile' | 'thinPool', readonly string[]>> = {
  common: [...COMMON, 'task.probe.begun', ...pointsOf(['fenceOrphans'])],
  blockfile: [...BLOCKFILE, ...pointsOf(BLOCKFILE_TASKS)],
  thinPool: [
    ...THIN_POOL,
    'task.probe.done',
    ...pointsOf(Object.keys(TASK_LANES).filter((task) => !OTHER_TASKS.has(task))),
  ],
};
