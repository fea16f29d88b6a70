// Files that are there whole or not at all, also after a power loss.

import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { failpoint } from '../shared/failpoints.ts';

/** Writes beside the path, syncs, and puts it in place. What is written when `write` throws is removed. */
export async function writeWhole(path: string, write: (partialPath: string) => Promise<void>): Promise<void> {
  const partialPath = `${path}.partial`;
  try {
    await write(partialPath);
    await syncPath(partialPath);
    await failpoint('catalog.file-beside');
    await rename(partialPath, path);
  } catch (error) {
    await rm(partialPath, { force: true });
    throw error;
  }
  await failpoint('catalog.file-renamed');
  await syncPath(dirname(path));
}

/** Makes a file's contents durable, or the names in a directory. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whether an error says that there is nothing of that name. */
export function isMissing(error: unknown): boolean {
  return isCode(error, 'ENOENT');
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
