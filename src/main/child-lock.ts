// The file by which tools that outlive a daemon are known: see workers/tasks/fence-orphans.ts.

import { open } from 'node:fs/promises';
import { join } from 'node:path';

export interface ChildLock {
  readonly path: string;
  /** For as long as this is open, here or in a tool, the file is locked. */
  readonly descriptor: number;
  close(): Promise<void>;
}

export async function openChildLock(rootPath: string): Promise<ChildLock> {
  const path = join(rootPath, 'tools.lock');
  const handle = await open(path, 'a', 0o600);
  return { path, descriptor: handle.fd, close: () => handle.close() };
}
