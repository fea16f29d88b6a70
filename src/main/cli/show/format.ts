// Numbers and times as people read them, and as programs do.

import { formatSize } from '../../../shared/sizes.ts';
import { parseBytes } from '../../../shared/units.ts';
import { plainLines } from './plain-text.ts';

/** What a message of protobuf has for a time. */
export interface Time {
  readonly seconds: bigint;
  readonly nanos: number;
}

const BAR_CHARS = 20;
const MS_PER_SECOND = 1000n;
const SECONDS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];

/** "1.5GiB"; "-" for what is not known. */
export function showBytes(bytes: bigint | undefined): string {
  return bytes === undefined ? '-' : formatSize(parseBytes(Number(bytes)));
}

/** The two largest units: "3d4h", "12m5s", "0s". */
export function showDuration(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [unit, size] of SECONDS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    // "3d12s" would be odd: what follows a unit is the next smaller one or nothing.
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join('') || '0s';
}

export function showAge(time: Time | undefined, nowMs: number): string {
  return time === undefined ? '-' : showDuration((nowMs - toMs(time)) / 1000);
}

export function toMs({ seconds, nanos }: Time): number {
  return Number(seconds * MS_PER_SECOND) + Math.floor(nanos / 1_000_000);
}

/** RFC 3339 in UTC with nanoseconds; null where there is none. */
export function toRfc3339(time: Time | undefined): string | null {
  if (time === undefined) return null;
  const date = new Date(Number(time.seconds * MS_PER_SECOND));
  return `${date.toISOString().slice(0, 19)}.${String(time.nanos).padStart(9, '0')}Z`;
}

/** "1 device", "2 devices". */
export function showCount(count: bigint | number, noun: string): string {
  return `${count} ${noun}${Number(count) === 1 ? '' : 's'}`;
}

/** `used` of `total` as a bar and a share: "████░░░░  50%". */
export function showBar(used: number, total: number, unicode: boolean): string {
  const share = total === 0 ? 0 : Math.min(1, used / total);
  const full = Math.round(share * BAR_CHARS);
  const [on, off] = unicode ? ['█', '░'] : ['#', '.'];
  return `${on.repeat(full)}${off.repeat(BAR_CHARS - full)} ${String(Math.round(share * 100)).padStart(3)}%`;
}

/** JSON that is safe to look at: what a terminal would act on is escaped inside its texts. */
export function showJson(value: unknown, form: 'pretty' | 'one line'): string {
  return `${plainLines(JSON.stringify(value, null, form === 'pretty' ? 2 : 0))}\n`;
}
