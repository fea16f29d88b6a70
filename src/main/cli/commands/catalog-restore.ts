// `thinsnap catalog restore FROM`: puts a backup in the place of the catalog of a daemon that does not run.

import { resolve } from 'node:path';
import { restoreCatalog } from '../../catalog/restore.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { loadRoot, ROOT_OPTIONS, withStoppedRoot } from '../daemon/stopped-root.ts';
import { showCount } from '../show/format.ts';

export const catalogRestore: Command = {
  kind: 'command',
  name: 'restore',
  summary: 'bring a backup of the catalog back',
  about: 'Puts a backup in the place of the catalog, which is kept beside it. The daemon must not run.',
  options: ROOT_OPTIONS,
  operands: [{ name: 'FROM', count: 'one', completion: 'file' }],
  notes: [
    'What was made after the backup is not known any more, but nothing of it is deleted: a catalog that was restored leaves devices alone that it does not know. What was removed after it is listed again, and fails when it is used. Remove that.',
    'Try "thinsnap catalog repair" first: it may bring more back.',
  ],
  examples: ['thinsnap catalog restore /var/lib/thinsnap/backups/catalog-20260824T120000Z-1234.backup'],
  run: async (found, writer) => {
    const config = await loadRoot(found);
    const path = resolve(found.operands[0] ?? '');
    const restored = await withStoppedRoot(config, () => restoreCatalog(config.rootPath, path));
    const { snapshots, devices, batchesMissing, dropped, kept } = restored;
    const missing =
      batchesMissing === null
        ? 'nothing says how much was written after the backup'
        : `batches of changes that were written after the backup: ${batchesMissing}`;
    const lines = [
      `${showCount(snapshots, 'snapshot')} and ${showCount(devices, 'device')} are back; ${missing}`,
      ...dropped.map((line) => `left out: ${line}`),
      ...(kept === null ? [] : [`what was there is kept in ${kept}`]),
    ];
    writer.out(`${lines.join('\n')}\n`);
    return EXIT_OK;
  },
};
