// Mounts that are gone after the test, as a client of the daemon would make them: through a loop device.

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export async function withMounted<Value>(
  image: string,
  { fsType, options = [] }: { readonly fsType: string; readonly options?: readonly string[] },
  action: (root: string) => Promise<Value>,
): Promise<Value> {
  const root = `${image}.mount`;
  await mkdir(root, { recursive: true });
  await run('mount', ['-t', fsType, '-o', ['loop', ...options].join(','), image, root]);
  try {
    return await action(root);
  } finally {
    await run('umount', [root]);
  }
}
