// LVM's own pools, by its own command: found, activated, extended and let go. What lvm says is turned into faults here and
// nowhere else.

import * as v from 'valibot';
import { FaultError } from '../../shared/faults.ts';
import { type LvmMakeup, lvmDeviceName } from '../../shared/pool-makeup.ts';
import { type Bytes, parseBytes } from '../../shared/units.ts';
import { runTool, ToolError } from '../exec.ts';

/** lvm reads every disk, runs thin_check before it activates a pool, and waits for its own locks. */
const LVM_TIMEOUT_MS = 300_000;

/** Fault `device-missing` when LVM has no such group, volume or device. */
export async function runLvm(words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await runTool('lvm', words, { timeoutMs: LVM_TIMEOUT_MS });
    return stdout;
  } catch (error) {
    if (!(error instanceof ToolError && error.exitCode !== null)) throw error;
    // "Volume group "x" not found", "Failed to find logical volume "x/y"", "Failed to find device", "No PV found on
    // device" and "No PV label found on" (lvm2 2.03.16, seen).
    const isMissing = /not found|Failed to find|No PV( label)? found/.test(error.stderr);
    if (!isMissing) throw error;
    throw new FaultError('device-missing', error.message, { cause: error });
  }
}

const LVS_REPORT = v.object({
  report: v.tuple([v.object({ lv: v.array(v.record(v.string(), v.string())) })]),
});

export interface LvmPool {
  readonly active: boolean;
  readonly dataBytes: Bytes;
  readonly metadataBytes: Bytes;
}

/** Null when LVM has no such volume; fault `invalid` when it is no thin pool. */
export async function findLvmPool({ vg, lv }: LvmMakeup): Promise<LvmPool | null> {
  const columns = 'lv_attr,lv_size,lv_metadata_size';
  let output: string;
  try {
    output = await runLvm([
      'lvs',
      '--reportformat',
      'json',
      '--units',
      'b',
      '--nosuffix',
      '-o',
      columns,
      `${vg}/${lv}`,
    ]);
  } catch (error) {
    if (error instanceof FaultError && error.code === 'device-missing') return null;
    throw error;
  }
  const [row] = v.parse(LVS_REPORT, JSON.parse(output)).report[0].lv;
  const { lv_attr: attributes = '', lv_size: size = '', lv_metadata_size: metadataSize = '' } = row ?? {};
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

export interface WantedSizes {
  readonly dataBytes: Bytes | null;
  readonly metadataBytes: Bytes | null;
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
