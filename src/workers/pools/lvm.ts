// LVM's own pools, by its own command: found, activated, extended and let go. What lvm says is turned into faults here and
// nowhere else.

import * as v from 'valibot';
import { type FaultCode, FaultError, isFault } from '../../shared/faults.ts';
import { type LvmMakeup, lvmDeviceName, type WantedSizes } from '../../shared/pool-makeup.ts';
import type { LvmGroup } from '../../shared/pool-steps.ts';
import { type Bytes, parseBytes } from '../../shared/units.ts';
import { runTool, ToolError } from '../exec.ts';

/** lvm reads every disk, runs thin_check before it activates a pool, and waits for its own locks. */
const LVM_TIMEOUT_MS = 300_000;

/** Faults: `device-missing` when LVM has no such group, volume or device; `device-busy`. */
export async function runLvm(words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await runTool('lvm', words, { timeoutMs: LVM_TIMEOUT_MS });
    return stdout;
  } catch (error) {
    if (!(error instanceof ToolError && error.exitCode !== null)) throw error;
    const code = codeOf(error.stderr);
    if (code === null) throw error;
    throw new FaultError(code, error.message, { cause: error });
  }
}

/** By lvm's own words (lvm2 2.03.16, seen and read in its source). */
function codeOf(stderr: string): FaultCode | null {
  // "Volume group "x" not found", "Failed to find logical volume "x/y"", "No PV found on device", "No PV label found on".
  if (/not found|Failed to find|No PV( label)? found/.test(stderr)) return 'device-missing';
  // "Logical volume x/y in use.", "... is used by another device."
  if (/ in use|used by another device/.test(stderr)) return 'device-busy';
  return null;
}

const ROWS = v.optional(v.array(v.record(v.string(), v.string())));
const REPORT = v.object({ report: v.tuple([v.object({ lv: ROWS, vg: ROWS, pv: ROWS })]) });

export interface LvmPool {
  readonly active: boolean;
  readonly dataBytes: Bytes;
  readonly metadataBytes: Bytes;
}

/** Null when LVM has no such volume; fault `invalid` when it is no thin pool. */
export async function findLvmPool({ vg, lv }: LvmMakeup): Promise<LvmPool | null> {
  const columns = 'lv_attr,lv_size,lv_metadata_size';
  const [row] = await reportOf('lv', ['lvs', '-o', columns, `${vg}/${lv}`]).catch(noneIfMissing);
  if (row === undefined) return null;
  const { lv_attr: attributes = '', lv_size: size = '', lv_metadata_size: metadataSize = '' } = row;
  // lvs(8): the first character is the type, `t` a thin pool; the fifth the state, `a` active.
  if (!attributes.startsWith('t')) {
    throw new FaultError('invalid', `Cannot use ${vg}/${lv} as a pool: LVM has it, and not as a thin pool`);
  }
  return {
    active: attributes[4] === 'a',
    dataBytes: parseBytes(Number(size)),
    metadataBytes: parseBytes(Number(metadataSize)),
  };
}

/** What no volume of the group has. */
export async function freeInGroup(vg: string): Promise<Bytes> {
  const words = ['vgs', '--noheadings', '--units', 'b', '--nosuffix', '-o', 'vg_free', vg];
  return parseBytes(Number((await runLvm(words)).trim()));
}

/** Whether it had to be activated. LVM runs thin_check on the metadata before, and clears needs_check when that is sound. */
export async function activateLvmPool(makeup: LvmMakeup): Promise<boolean> {
  const found = await findLvmPool(makeup);
  if (found === null) {
    const name = lvmDeviceName(makeup.vg, makeup.lv);
    throw new FaultError('device-missing', `Cannot activate ${name}: LVM has no volume ${makeup.vg}/${makeup.lv}`);
  }
  if (!found.active) await runLvm(['lvchange', '--activate', 'y', `${makeup.vg}/${makeup.lv}`]);
  return !found.active;
}

export async function deactivateLvmPool({ vg, lv }: LvmMakeup): Promise<void> {
  await runLvm(['lvchange', '--activate', 'n', `${vg}/${lv}`]);
}

/** To at least these sizes. */
export async function extendLvmPool(makeup: LvmMakeup, { dataBytes, metadataBytes }: WantedSizes): Promise<void> {
  const found = await findLvmPool(makeup);
  const volume = `${makeup.vg}/${makeup.lv}`;
  if (found === null) throw new FaultError('device-missing', `Cannot extend ${volume}: LVM has no such volume`);
  // lvextend answers an error to a size that is there already.
  if (metadataBytes !== null && metadataBytes > found.metadataBytes) {
    await runLvm(['lvextend', '--poolmetadatasize', `${metadataBytes}b`, volume]);
  }
  if (dataBytes !== null && dataBytes > found.dataBytes) {
    await runLvm(['lvextend', '--size', `${dataBytes}b`, volume]);
  }
}

/** The volume group that a physical volume belongs to; null when to none. */
export async function groupOfDevice(path: string): Promise<string | null> {
  const [row] = await reportOf('pv', ['pvs', '-o', 'vg_name', path]).catch(noneIfMissing);
  const { vg_name: group = '' } = row ?? {};
  return group === '' ? null : group;
}

/** Null when LVM has no such group. */
export async function findLvmGroup(vg: string): Promise<LvmGroup | null> {
  const [group] = await reportOf('vg', ['vgs', '-o', 'vg_extent_size,vg_free', vg]).catch(noneIfMissing);
  if (group === undefined) return null;
  const volumes = await reportOf('lv', ['lvs', '-o', 'lv_name', vg]);
  const { vg_extent_size: extent = '', vg_free: free = '' } = group;
  return {
    extentBytes: parseBytes(Number(extent)),
    freeBytes: parseBytes(Number(free)),
    volumes: volumes.map(({ lv_name: name = '' }) => name),
  };
}

function noneIfMissing(error: unknown): readonly Row[] {
  if (isFault(error, 'device-missing')) return [];
  throw error;
}

type Row = Readonly<Record<string, string>>;

async function reportOf(kind: 'lv' | 'vg' | 'pv', words: readonly string[]): Promise<readonly Row[]> {
  const [command = '', ...rest] = words;
  const output = await runLvm([command, '--reportformat', 'json', '--units', 'b', '--nosuffix', ...rest]);
  return v.parse(REPORT, JSON.parse(output)).report[0][kind] ?? [];
}
