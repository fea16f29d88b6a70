// What a daemon on block files holds, and may leave: the file of the base, and nothing else.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigTable, Daemon } from './daemon.ts';

export const BLOCK_FILES: ConfigTable = { volumes: 'blockfile', base_image_size: '16MB', min_free_space: '1%' };

export function blockFilesHeld({ root }: Daemon): Promise<readonly string[]> {
  return readdir(join(root, 'state', 'volumes'));
}

export async function blockFilesLeft(daemon: Daemon): Promise<readonly string[]> {
  const files = await blockFilesHeld(daemon);
  return files.length === 1 && files[0]?.endsWith('.img') === true ? [] : files;
}
