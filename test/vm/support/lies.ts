// What a disk that lied under the catalog or the metadata leaves behind: it said that it had kept what it had not, so what was
// acknowledged may be gone. Never in silence: something says so before anybody counts on it.

import * as assert from 'uvu/assert';
import { FaultError } from '../../../src/shared/faults.ts';
import type { CoreLife } from './core-life.ts';
import { agreedByAll, type Entry, type Moments } from './ledger.ts';
import type { PowerRig } from './power-rig.ts';

/** Answers who told of it, in the order of a reboot: the tools that look first, the start, or what the start found; "nobody": all is there. */
export async function toldOfLie(rig: PowerRig, disk: string, moments: Moments): Promise<string> {
  try {
    await rig.slices.open(disk);
  } catch (error) {
    return `the tools: ${firstLine(error)}`;
  }
  const life = await rig.begin().catch((error: unknown) => {
    assert.ok(error instanceof FaultError, `a start ends with ${String(error)}`);
    return error;
  });
  if (life instanceof FaultError) return `the start: ${life.message}`;
  try {
    return await whatLifeTells(rig, life, moments);
  } finally {
    await life.close();
  }
}

async function whatLifeTells(rig: PowerRig, life: CoreLife, moments: Moments): Promise<string> {
  const infos = await life.list();
  const differences = await life.differences();
  const told = [...differences];
  for (const { key } of infos) {
    const entry = entryOf(moments, key);
    if (entry === null) continue;
    // What is given out is right; what is not is refused.
    await rig.contents(life, new Map([[key, entry]])).catch((error: unknown) => {
      if (!(error instanceof FaultError)) throw error;
      told.push(`${key}: ${error.message}`);
    });
  }
  try {
    agreedByAll(moments, infos);
  } catch (error) {
    assert.ok(differences.length > 0, `an older state was taken for the newest, in silence: ${String(error)}`);
  }
  return told.length === 0 ? 'nobody' : `the daemon: ${told.join('; ')}`;
}

function entryOf(moments: Moments, key: string): Entry | null {
  for (const { state } of moments.values()) {
    const entry = state.get(key);
    if (entry !== undefined) return entry;
  }
  return null;
}

function firstLine(error: unknown): string {
  return String(error).split('\n').slice(0, 3).join(' / ');
}
