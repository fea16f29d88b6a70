// The catalog held against what storage and the kernel have, while calls go on or the daemon is stopped. Each kind of difference is a rule with a name;
// nothing that is not known is ever deleted by itself: it is reported, and an operator drops it, one by one.
//
// What is ours at some moment has a record at that moment: the intent comes before it, and the record goes after it. So what has
// no record before, after or in between the look is nobody's.

import { FaultError, isFault } from '../../shared/faults.ts';
import type { DeviceId } from '../../shared/units.ts';
import { type Device, isWritable } from '../catalog/records.ts';
import type { Change } from '../catalog/tables.ts';
import type { Stock, Stockroom } from '../volumes/stockroom.ts';

/** What each one means, and what becomes of it. */
export const RULES = {
  unknown: 'storage holds it and no record names it: quarantined, until it is dropped',
  missing: 'a record names it and storage does not hold it: lost, and every use of it fails',
  stray: 'the kernel has a device of ours without a record: repair deactivates it, what it maps stays',
} as const;

export type Rule = keyof typeof RULES;

export interface Difference {
  readonly rule: Rule;
  /** "thin id 7", "file 7.img", or a device's name. */
  readonly what: string;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** What could not be looked at, and why; empty when all was. */
  readonly omitted: string;
}

/** A daemon's own, or those of one that does not run. */
export interface ComparisonParts {
  readonly catalog: {
    readonly tables: { readonly devices: ReadonlyMap<DeviceId, Device> };
    observe(observer: (changes: readonly Change[]) => void): () => void;
  };
  readonly volumes: { readonly stockroom: Stockroom };
}

/** What an operator asks for. */
export interface Wish {
  /** Applies what loses nothing first. */
  readonly repair: boolean;
  /** Deletes this first, which no record names; empty for none. */
  readonly drop: string;
}

export async function check(parts: ComparisonParts, wish: Wish): Promise<Comparison> {
  if (wish.drop !== '') await drop(parts, wish.drop);
  return wish.repair ? repair(parts) : compare(parts);
}

export async function compare({ catalog, volumes }: ComparisonParts): Promise<Comparison> {
  const { devices } = catalog.tables;
  const before = new Map(devices);
  const ever = new Map(before);
  const end = catalog.observe((changes) => {
    for (const change of changes) if (change.kind === 'put-device') ever.set(change.device.id, change.device);
  });
  let stock: Stock;
  try {
    stock = await volumes.stockroom.take();
  } finally {
    end();
  }
  const settled = [...before.values()].filter((device) => isSettled(device) && isSettled(devices.get(device.id)));
  return {
    omitted: stock.omitted,
    differences: [...ofHoldings(volumes.stockroom, stock, { ever, settled }), ...ofKernel(stock, ever)],
  };
}

/** Applies what loses nothing; answers the differences that are left. */
export async function repair(parts: ComparisonParts): Promise<Comparison> {
  for (const { rule, what } of (await compare(parts)).differences) {
    if (rule !== 'stray') continue;
    try {
      await parts.volumes.stockroom.dropActive(what);
    } catch (error) {
      // It is told of below.
      if (!isFault(error, 'device-busy')) throw error;
    }
  }
  return compare(parts);
}

interface Known {
  readonly ever: ReadonlyMap<DeviceId, Device>;
  /** There before and after, and whole. */
  readonly settled: readonly Device[];
}

function ofHoldings(stockroom: Stockroom, { held }: Stock, { ever, settled }: Known): readonly Difference[] {
  if (held === null) return [];
  const known = new Set([...ever.values()].map((device) => stockroom.heldAs(device)));
  const unknown = [...held].filter((what) => !known.has(what));
  const missing = settled.map((device) => stockroom.heldAs(device)).filter((what) => !held.has(what));
  return [
    ...unknown.map((what) => ({ rule: 'unknown', what }) as const),
    ...missing.map((what) => ({ rule: 'missing', what }) as const),
  ];
}

function ofKernel({ active }: Stock, ever: ReadonlyMap<DeviceId, Device>): readonly Difference[] {
  return [...active]
    .filter(([, id]) => id === null || !ever.has(id))
    .map(([what]) => ({ rule: 'stray', what }) as const);
}

function isSettled(device: Device | undefined): boolean {
  return device !== undefined && (device.state === 'Deactivated' || isWritable(device.state));
}

/** Deletes what is unknown, and nothing else. Fault `precondition` for anything that is not. */
export async function drop(parts: ComparisonParts, what: string): Promise<void> {
  const { differences, omitted } = await compare(parts);
  const found = differences.some((each) => each.rule === 'unknown' && each.what === what);
  if (!found) {
    const reason = omitted === '' ? 'it is none of what no record names' : omitted;
    throw new FaultError('precondition', `Cannot drop ${JSON.stringify(what)}: ${reason}`);
  }
  await parts.volumes.stockroom.drop(what);
}
