// Changes of records as what LevelDB stores, and back: which key a record stands under, and what is checked of it there.

import { FaultError } from '../../shared/faults.ts';
import { formatDevice, formatSnapshot, parseDevice, parseSnapshot } from './codec.ts';
import type { Change } from './tables.ts';

const SNAPSHOT_PREFIX = 's/';
const DEVICE_PREFIX = 'd/';

export type Operation = { type: 'put'; key: string; value: string } | { type: 'del'; key: string };

/** A record of a snapshot or a device; null for anything else. Fault `io` when it stands under another's key. */
export function parseRecord(key: string, value: string): Change | null {
  let change: Change;
  if (key.startsWith(SNAPSHOT_PREFIX)) change = { kind: 'put-snapshot', snapshot: parseSnapshot(value) };
  else if (key.startsWith(DEVICE_PREFIX)) change = { kind: 'put-device', device: parseDevice(value) };
  else return null;
  if (keyOf(change) === key) return change;
  throw new FaultError('io', `Cannot use the catalog: ${JSON.stringify(key.slice(0, 256))} holds another's record`);
}

export function toOperation(change: Change): Operation {
  switch (change.kind) {
    case 'put-snapshot':
      return { type: 'put', key: keyOf(change), value: formatSnapshot(change.snapshot) };
    case 'put-device':
      return { type: 'put', key: keyOf(change), value: formatDevice(change.device) };
    case 'delete-snapshot':
    case 'delete-device':
      return { type: 'del', key: keyOf(change) };
  }
}

function keyOf(change: Change): string {
  switch (change.kind) {
    case 'put-snapshot':
      return SNAPSHOT_PREFIX + change.snapshot.key;
    case 'delete-snapshot':
      return SNAPSHOT_PREFIX + change.key;
    case 'put-device':
      return DEVICE_PREFIX + String(change.device.id);
    case 'delete-device':
      return DEVICE_PREFIX + String(change.id);
  }
}
