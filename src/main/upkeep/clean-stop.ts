// Whether the last run ended as it should: a file that is there while a daemon runs, and stays when it ends any other way.

import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

const RUNNING_FILE = 'running';

/** To be called by who has the root's lock. Answers whether an earlier run never ended. */
export async function beginRun(rootPath: string): Promise<{ readonly unclean: boolean }> {
  const handle = await open(join(rootPath, RUNNING_FILE), 'a', 0o600);
  try {
    const { size } = await handle.stat();
    if (size === 0) {
      await handle.write('A thinsnapd runs, or ended without a stop.\n');
      await handle.sync();
    }
    return { unclean: size > 0 };
  } finally {
    await handle.close();
  }
}

export async function endRun(rootPath: string): Promise<void> {
  await rm(join(rootPath, RUNNING_FILE), { force: true });
}
