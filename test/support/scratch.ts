// Folders that are gone after the test, and tools that misbehave on purpose, found before the real ones.

import { chmod, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function withScratch<Value>(action: (dir: string) => Promise<Value>): Promise<Value> {
  const dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
  try {
    return await action(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs `action` with shell scripts in the place of tools: `{ cp: 'exit 1' }`. */
export async function withFakeTools(
  scripts: Readonly<Record<string, string>>,
  action: (dir: string) => Promise<void>,
): Promise<void> {
  await withScratch(async (dir) => {
    const tools = join(dir, 'tools');
    await mkdir(tools);
    for (const [name, script] of Object.entries(scripts)) {
      await writeFile(join(tools, name), `#!/bin/sh\n${script}\n`);
      await chmod(join(tools, name), 0o755);
    }
    useToolPath(`${tools}:/usr/sbin:/usr/bin:/sbin:/bin`);
    try {
      await action(dir);
    } finally {
      Reflect.deleteProperty(process.env, 'THINSNAP_TOOL_PATH');
    }
  });
}

/** Where tools are looked for until `withFakeTools` ends. */
export function useToolPath(path: string): void {
  Object.assign(process.env, { THINSNAP_TOOL_PATH: path });
}

export async function makeSparseFile(path: string, sizeBytes: number): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.truncate(sizeBytes);
  } finally {
    await handle.close();
  }
}
