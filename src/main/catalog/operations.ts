// Changes of records as what LevelDB stores, and back: which key a record stands under, and what is checked of it there.

import { FaultError } from '../../shared/faults.ts';
import { seal, showKey, unseal } from './checksum.ts';
import { formatDevice, formatSnapshot, parseDevice, parseSnapshot } from './codec.ts';
import type { Change } from './tables.ts';

export const HEAD_KEY = 'head';
export const IDENTITY_KEY = 'identity';
const SNAPSHOT_PREFIX = 's/';
const DEVICE_PREFIX = 'd/';

export type Operation = { type: 'put'; key: string; value: string } | { type: 'del'; key: string };

/** `sum`: what the record adds to the sum of all; 0 for a deletion. */
export interface Summed<Value> {
  readonly value: Value;
  readonly sum: number;
}

/** A record of a snapshot or a device. Fault `io` when it is damaged, stands under another's key, or is no record of ours. */
export function parseRecord(key: string, value: string): Summed<Change> {
  const { text, sum } = unseal(key, value);
  const change = parseChange(key, text);
  if (keyOf(change) === key) return { value: change, sum };
  throw new FaultError('io', `Cannot read the record ${showKey(key)} of the catalog: it is another's`);
}

function parseChange(key: string, text: string): Change {
  if (key.startsWith(SNAPSHOT_PREFIX)) return { kind: 'put-snapshot', snapshot: parseSnapshot(text) };
  if (key.startsWith(DEVICE_PREFIX)) return { kind: 'put-device', device: parseDevice(text) };
  throw new FaultError('io', `Cannot read the record ${showKey(key)} of the catalog: there is no such kind`);
}

export function toOperation(change: Change): Summed<Operation> {
  switch (change.kind) {
    case 'put-snapshot':
      return toPut(keyOf(change), formatSnapshot(change.snapshot));
    case 'put-device':
      return toPut(keyOf(change), formatDevice(change.device));
    case 'delete-snapshot':
    case 'delete-device':
      return { value: { type: 'del', key: keyOf(change) }, sum: 0 };
  }
}

export function toPut(key: string, text: string): Summed<Operation> {
  const { value, sum } = seal(key, text);
  return { value: { type: 'put', key, value }, sum };
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
