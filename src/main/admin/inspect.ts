// Inspect: all that is known of one snapshot, its device and its family.

import type { Snapshot } from '../catalog/records.ts';
import type { Tables } from '../catalog/tables.ts';
import { mountOf } from '../snapshots/prepare.ts';
import { usage } from '../snapshots/read.ts';
import type { AdminContext } from './admin-context.ts';
import { knownUsage, toDevice, toSnapshot } from './messages.ts';
import type { AdminRpcs } from './service.ts';

/** Of all ancestors' names, and of all children's: with 15 MiB of labels they must fit one message of 16 MiB. */
const NAMES_BYTES_MAX = 256 * 1024;

export function inspectRpc(context: AdminContext): AdminRpcs['inspect'] {
  const { tables } = context.catalog;
  return async ({ key, withUsage }) => {
    const asked = tables.snapshot(key);
    const usageBytes = withUsage ? await usage(context, key) : knownUsage(asked);
    // It may have changed while the kernel was asked.
    const snapshot = tables.snapshot(key);
    const device = tables.device(snapshot.deviceId);
    const mount = snapshot.kind === 'committed' ? null : mountOf(context, snapshot, device);
    return {
      snapshot: toSnapshot(tables, snapshot, { withLabels: true, usageBytes }),
      device: toDevice(device, context.volumes.activity(device)),
      ancestors: takeNames(ancestorsOf(tables, snapshot)),
      children: takeNames(childrenOf(tables, snapshot)),
      ...(mount === null ? {} : { mount: { type: mount.type, source: mount.source, options: [...mount.options] } }),
    };
  };
}

function* ancestorsOf(tables: Tables, { parent }: Snapshot): Generator<string> {
  for (let name = parent; name !== ''; name = tables.snapshot(name).parent) yield name;
}

function* childrenOf(tables: Tables, { key }: Snapshot): Generator<string> {
  if (tables.childrenOf(key) === 0) return;
  for (const snapshot of tables.snapshots.values()) {
    if (snapshot.parent === key) yield snapshot.key;
  }
}

function takeNames(names: Iterable<string>): string[] {
  const taken: string[] = [];
  let bytes = 0;
  for (const name of names) {
    bytes += Buffer.byteLength(name);
    if (bytes > NAMES_BYTES_MAX) break;
    taken.push(name);
  }
  return taken;
}
