// Whether a pool is to become larger, and how large: figures alone. Data and metadata are judged apart, since either may run
// out first.

import { METADATA_BYTES_MAX } from '../../shared/pool-makeup.ts';
import { type Bytes, MIB, parseBytes } from '../../shared/units.ts';
import type { Autoextend } from '../config/autoextend.ts';
import type { Usage } from '../volumes/volumes.ts';

/** Metadata grows in whole MiB. */
const METADATA_STEP_BYTES = MIB;
/** Of what is wanted. A little at a time would be one extension after another, each of which holds writers up. */
const LEAST_SHARE = 0.25;

export type SpaceKind = 'data' | 'metadata';

/** What decides how large a kind of space may be. */
export interface SizeRules {
  readonly policy: Autoextend;
  readonly stepBytes: number;
  readonly mostBytes: number;
}

export function sizeRules(kind: SpaceKind, policy: Autoextend, blockBytes: number): SizeRules {
  return kind === 'data'
    ? { policy, stepBytes: blockBytes, mostBytes: Number.MAX_SAFE_INTEGER }
    : { policy, stepBytes: METADATA_STEP_BYTES, mostBytes: METADATA_BYTES_MAX };
}

/** How large this should be by now; null: as it is. */
export function sizeWanted(
  { usedBytes, totalBytes }: Usage,
  { policy, stepBytes, mostBytes }: SizeRules,
): Bytes | null {
  const { thresholdPercent, percent } = policy;
  if (thresholdPercent >= 100 || usedBytes * 100 <= totalBytes * thresholdPercent) return null;
  // One step may not be enough for what was written since the last look.
  const wanted = Math.max(totalBytes * (1 + percent / 100), (usedBytes * 100) / thresholdPercent);
  const bytes = Math.min(Math.ceil(wanted / stepBytes) * stepBytes, mostBytes);
  return bytes > totalBytes ? parseBytes(bytes) : null;
}

/** As much of that as there is room for; null: too little to be worth it. */
export function sizeWithin(
  wantedBytes: Bytes,
  {
    totalBytes,
    stepBytes,
    roomBytes,
  }: { readonly totalBytes: number; readonly stepBytes: number; readonly roomBytes: number },
): Bytes | null {
  if (wantedBytes - totalBytes <= roomBytes) return wantedBytes;
  const bytes = Math.floor((totalBytes + roomBytes) / stepBytes) * stepBytes;
  return bytes - totalBytes >= (wantedBytes - totalBytes) * LEAST_SHARE ? parseBytes(bytes) : null;
}
