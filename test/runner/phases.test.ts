// Which files a run has.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Run, vmFiles } from './phases.ts';

async function filesFor(...match: readonly string[]): Promise<readonly string[]> {
  const cwd = await mkdtemp(join(tmpdir(), 'phases-'));
  try {
    for (const dir of ['dist/test/vm', 'test/vm']) await mkdir(join(cwd, dir), { recursive: true });
    for (const name of ['engine', 'pools-life', 'pools-loop']) {
      await writeFile(join(cwd, 'dist/test/vm', `${name}.test.js`), '');
      await writeFile(join(cwd, 'test/vm', `${name}.test.ts`), '');
    }
    const run: Run = { cwd, logDir: cwd, tmpDir: cwd, match, deadlineMs: 0, beginByMs: 0 };
    return await vmFiles(run);
  } finally {
    await rm(cwd, { recursive: true });
  }
}

test('a run has the files that hold any of its patterns', async () => {
  assert.equal(await filesFor('loop', 'engine'), ['dist/test/vm/engine.test.js', 'dist/test/vm/pools-loop.test.js']);
  assert.equal(await filesFor('pools'), ['dist/test/vm/pools-life.test.js', 'dist/test/vm/pools-loop.test.js']);
  assert.equal(await filesFor('nothing of this name'), []);
});

test.run();
