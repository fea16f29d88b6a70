// The admin service's enums as the words that people and JSON get. A daemon of a later version may send values that are
// not here yet.

import { Activity, Health, Kind, PoolMode } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';

const HEALTH = new Map([
  [Health.OK, 'ok'],
  [Health.WARNING, 'warning'],
  [Health.ERROR, 'error'],
]);

const KINDS = new Map([
  [Kind.VIEW, 'view'],
  [Kind.ACTIVE, 'active'],
  [Kind.COMMITTED, 'committed'],
]);

const MODES = new Map([
  [PoolMode.READ_WRITE, 'read-write'],
  [PoolMode.READ_ONLY, 'read-only'],
  [PoolMode.OUT_OF_DATA_SPACE, 'out-of-data-space'],
  [PoolMode.FAIL, 'fail'],
]);

const ACTIVITIES = new Map([
  [Activity.NONE, 'none'],
  [Activity.READ_ONLY, 'read-only'],
  [Activity.READ_WRITE, 'read-write'],
]);

export const healthWord = (value: Health): string => HEALTH.get(value) ?? 'unknown';
export const kindWord = (value: Kind): string => KINDS.get(value) ?? 'unknown';
export const modeWord = (value: PoolMode): string => MODES.get(value) ?? 'unknown';
export const activityWord = (value: Activity): string => ACTIVITIES.get(value) ?? 'unknown';
