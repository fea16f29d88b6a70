// The number by which a pool and the catalog that was written for it know each other: the pool's transaction id. It is in the
// pool's own metadata and moves only by compare-and-swap. The upper bits of 48 mark it as ours; the lower 32 are drawn when a
// pool is first taken and raised by one at each start. So a pool that was swapped or made anew has another one, and of two
// copies of one pool, or of one catalog, the older is behind.

import { randomInt } from 'node:crypto';

/** "tS" in the upper bits. */
const TAG_BASE = 0x7453 * 2 ** 32;
const COUNTED = 2 ** 32;
/** Tags that are further apart were never one pool's: some starts a minute for a year. */
const STARTS_MAX = 2 ** 21;

export function drawTag(): number {
  return TAG_BASE + randomInt(COUNTED);
}

export function nextTag(tag: number): number {
  return TAG_BASE + ((tag - TAG_BASE + 1) % COUNTED);
}

/** How many starts bring a pool with the tag `from` to the tag `to`, 0 if none; null when none would. */
export function startsBetween(from: number, to: number): number | null {
  if (!isTag(from) || !isTag(to)) return null;
  const starts = (to - from + COUNTED) % COUNTED;
  return starts <= STARTS_MAX ? starts : null;
}

function isTag(transactionId: number): boolean {
  return transactionId >= TAG_BASE && transactionId < TAG_BASE + COUNTED;
}

/** What a catalog knows of its pool's tag. */
export interface KnownTag {
  readonly tag: number;
  /** Whether the pool bears it yet: the intent is written first, so that a crash between is no stranger's pool. */
  readonly tagged: boolean;
  /** Starts that raised it. */
  readonly starts: number;
}

/** Whether a pool with this transaction id is the one, before or after the move that a crash may have cut short. */
export function bears({ tag, tagged, starts }: KnownTag, transactionId: number): boolean {
  if (transactionId === tag) return true;
  return !tagged && (starts === 0 ? transactionId === 0 : nextTag(transactionId) === tag && isTag(transactionId));
}

/** The move that a start makes from a pool with this transaction id: the one that was cut short, or the next. */
export function moveFrom<Known extends KnownTag>(known: Known, transactionId: number): Known {
  if (!known.tagged && bears(known, transactionId)) return known;
  return { ...known, tag: nextTag(transactionId), tagged: false, starts: known.starts + 1 };
}
