// Backup: the text of a backup of this moment, in pieces as the client takes them. The daemon writes no file for it: where it
// goes, and whether it arrived whole, is the client's to see.

import { backupText } from '../catalog/backup-file.ts';
import type { AdminContext } from './admin-context.ts';
import type { AdminRpcs } from './service.ts';

export function backupRpc({ catalog }: AdminContext): AdminRpcs['backup'] {
  return async function* (_request, signal) {
    for (const text of backupText(catalog.capture())) {
      if (signal.aborted) return;
      yield { text };
    }
  };
}
