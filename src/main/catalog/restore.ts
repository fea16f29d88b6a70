// Bringing a backup back. It is older than the devices: what it does not know may be somebody's, and what stood ready in it
// may have been given out since. So it is marked as restored, and takes nothing of the kind along.

import { FaultError } from '../../shared/faults.ts';
import { readBackup } from './backup-file.ts';
import { agreedId, findWitnesses, installCatalog, restoredHead } from './install.ts';
import { settle } from './settle.ts';

export interface Restored {
  readonly snapshots: number;
  readonly devices: number;
  /** Batches that were written after the backup and are not in it; null when nothing is left that tells. */
  readonly batchesMissing: number | null;
  /** What was left out and why, a line each. */
  readonly dropped: readonly string[];
  /** Where the catalog is kept that was there; null when there was none. */
  readonly kept: string | null;
}

/** Whoever calls has the lock. Faults: `io` for a backup that is not whole, `precondition` for one of another root. */
export async function restoreCatalog(rootPath: string, backupPath: string): Promise<Restored> {
  const { head, identity, tables } = await readBackup(backupPath);
  const { marker, mark } = await findWitnesses(rootPath);
  const here = agreedId([marker, mark?.catalogId, head.catalogId]);
  if (here !== head.catalogId) {
    const found = `it is of catalog ${head.catalogId}, and ${rootPath} had ${String(here)}`;
    throw new FaultError('precondition', `Cannot restore ${backupPath}: ${found}. Give the root_path that it is of`);
  }
  const { snapshots, devices, dropped } = settle(tables.snapshots.values(), tables.devices.values());
  const kept = await installCatalog(rootPath, { head: restoredHead(head, mark), identity, snapshots, devices });
  const batchesMissing = mark === null ? null : Math.max(0, mark.sequence - head.sequence);
  return { snapshots: snapshots.length, devices: devices.length, batchesMissing, dropped, kept };
}
