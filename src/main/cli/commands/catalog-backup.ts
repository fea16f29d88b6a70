// `thinsnap catalog backup [TO]`: a backup of the catalog as it is at this moment, of a daemon that runs or one that does not.

import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FaultError, isFault } from '../../../shared/faults.ts';
import { backupText, fileTime, readBackup, writeBackup } from '../../catalog/backup-file.ts';
import { readStopped } from '../../catalog/opening.ts';
import type { Config } from '../../config/config.ts';
import { Admin } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { AdminClient } from '../daemon/admin-client.ts';
import { loadRoot, ROOT_OPTIONS, withStoppedRoot } from '../daemon/stopped-root.ts';
import { showCount } from '../show/format.ts';
import type { Writer } from '../writer.ts';

export const catalogBackup: Command = {
  kind: 'command',
  name: 'backup',
  summary: 'write all records of the catalog to a file',
  about:
    'Writes a backup of the catalog, which says which snapshots there are and where. What the snapshots hold is not in it.',
  options: ROOT_OPTIONS,
  operands: [{ name: 'TO', count: 'at most one', completion: 'file' }],
  notes: [
    'TO is a new file, or a directory for one that is named after the time; left out: the working directory.',
    'The daemon may run or not. It makes backups itself, one an hour and one at its end: root_path/backups.',
  ],
  examples: ['thinsnap catalog backup', 'thinsnap catalog backup --config /etc/thinsnap/config.toml /mnt/safe/'],
  run: async (found, writer) => {
    const config = await loadRoot(found);
    const path = await targetOf(found.operands[0] ?? '.');
    await (await sourceOf(config))(path, writer);
    // What cannot be read back is no backup.
    const { snapshots, devices } = (await readBackup(path)).tables;
    writer.out(`${path}: ${showCount(snapshots.size, 'snapshot')}, ${showCount(devices.size, 'device')}\n`);
    return EXIT_OK;
  },
};

/** An existing file is never replaced. */
async function targetOf(to: string): Promise<string> {
  const path = resolve(to);
  const there = await stat(path).catch(() => null);
  if (there === null) return path;
  if (there.isDirectory()) return join(path, `thinsnap-catalog-${fileTime(new Date())}.backup`);
  throw new FaultError('already-exists', `Cannot write the backup ${path}: there is something of that name`);
}

type Source = (path: string, writer: Writer) => Promise<void>;

/** The daemon, while one runs; else the files. */
async function sourceOf(config: Config): Promise<Source> {
  try {
    const text = await withStoppedRoot(config, () => readStopped(config.rootPath));
    return async (path) => writeBackup(path, backupText(text));
  } catch (error) {
    if (!isFault(error, 'unavailable')) throw error;
    return async (path, writer) => fromDaemon(config, { path, writer });
  }
}

async function fromDaemon({ adminAddress }: Config, { path, writer }: { path: string; writer: Writer }): Promise<void> {
  const client = await AdminClient.open(adminAddress);
  try {
    await writeBackup(path, textOf(client, writer.closed));
  } finally {
    client.close();
  }
}

async function* textOf(client: AdminClient, signal: AbortSignal): AsyncGenerator<string, void> {
  for await (const { text } of client.stream(Admin.method.backup, {}, signal)) yield text;
}
