// The judge of test files, on files that look well and are not.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Counts } from './counts.ts';
import { judgeEnd, runTestFile } from './test-file.ts';

const UVU = JSON.stringify(pathToFileURL(join(process.cwd(), 'node_modules/uvu/dist/index.mjs')).href);

/** Runs `source` as a test file, with what is printed about it kept off this run's own output. */
async function judge(source: string): Promise<Counts> {
  const dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
  const write = process.stdout.write.bind(process.stdout);
  try {
    const file = join(dir, 'sample.test.mjs');
    await writeFile(file, `import { test } from ${UVU};\n${source}`);
    process.stdout.write = () => true;
    const options = {
      name: file,
      env: process.env,
      cwd: dir,
      logDir: join(dir, 'logs'),
      tmpDir: join(dir, 'tmp'),
      timeoutMs: 60_000,
      goneWaitMs: 100,
    };
    return await runTestFile(file, { ...options, scope: 'own' });
  } finally {
    process.stdout.write = write;
    await rm(dir, { recursive: true, force: true });
  }
}

test('runTestFile() counts what passes, fails and is skipped', async () => {
  const source = "test('a', () => {}); test('b', () => { throw new Error('x'); }); test.skip('c'); test.run();";
  assert.equal(await judge(source), { passed: 1, failed: 1, skipped: 1 });
});

test('runTestFile() fails a file that forgets test.run()', async () => {
  assert.equal(await judge("test('a', () => {});"), { passed: 0, failed: 1, skipped: 0 });
});

test('runTestFile() fails a file without a test', async () => {
  assert.equal(await judge('test.run();'), { passed: 0, failed: 1, skipped: 0 });
});

test('runTestFile() fails the tests behind a before hook that throws, which uvu itself lets pass', async () => {
  const source = "test.before(() => { throw new Error('x'); }); test('a', () => {}); test.run();";
  assert.equal(await judge(source), { passed: 0, failed: 1, skipped: 0 });
});

test('runTestFile() fails a file that ends in the middle', async () => {
  const source = "test('a', () => {}); test('b', () => { process.exit(0); }); test.run();";
  assert.equal(await judge(source), { passed: 0, failed: 1, skipped: 0 });
});

test('judgeEnd() complains of a file that never ended, also when all its tests had passed', () => {
  const output = '\n  Total:     1\n  Passed:    1\n  Skipped:   0\n';
  assert.equal(judgeEnd({ end: 'timeout', status: 'SIGTERM', output, durationMs: 2_000 }), ['did not end within 2 s']);
});

for (const [what, words, env] of [
  ['', "'exec sleep 1000'", 'process.env'],
  [', as a daemon’s tool with an environment of its own', "'kill -STOP $$', process.env.TMPDIR + '/file'", '{}'],
]) {
  test(`runTestFile() fails a file that leaves a process behind${what}`, async () => {
    const source = `import { spawn } from 'node:child_process';
      const options = { detached: true, stdio: 'ignore', env: ${env} };
      test('a', () => { spawn('/bin/sh', ['-c', ${words}], options).unref(); }); test.run();`;
    assert.equal(await judge(source), { passed: 1, failed: 1, skipped: 0 });
  });
}

test.run();
