// The rules of the tree that no compiler and no linter checks: who imports whom, how long a file is, how it opens, and
// that a test file runs what it registers (uvu passes over one that does not in silence).

import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const LINES_MAX = 300;

/** The one place, or the two, that may know a library whose traps shape it. */
const KNOWN_BY: Readonly<Record<string, readonly string[]>> = {
  piscina: ['src/main/task-pool.ts'],
  'p-queue': ['src/main/lanes.ts'],
  'classic-level': ['src/main/catalog/store.ts', 'src/main/database.ts', 'src/main/lock.ts'],
  koffi: ['src/workers/devmapper/ioctl/control.ts'],
  toml: ['src/main/config/parse-toml.ts', 'src/main/config/toml-places.ts'],
};

interface Source {
  readonly path: string;
  readonly text: string;
  /** Of our own files by path, of packages by name. */
  readonly imports: readonly string[];
}

async function readSources(folder: string): Promise<readonly Source[]> {
  const entries = await readdir(folder, { recursive: true });
  const paths = entries.filter((entry) => entry.endsWith('.ts') && !entry.includes('rpc/gen/'));
  return Promise.all(paths.sort().map((entry) => readSource(join(folder, entry))));
}

async function readSource(path: string): Promise<Source> {
  const text = await readFile(path, 'utf8');
  const found = [...text.matchAll(/(?:from|import|import\() ?'([^']+)'/g)].map(([, name = '']) => name);
  const imports = found.map((name) => (name.startsWith('.') ? normalize(join(dirname(path), name)) : name));
  return { path, text, imports };
}

function part(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

test('workers and main import shared and nothing of each other; shared imports nothing of ours', async () => {
  const wrong: string[] = [];
  for (const { path, imports } of await readSources('src')) {
    for (const name of imports.filter((each) => each.startsWith('src/'))) {
      if (part(name) !== part(path) && (part(name) !== 'src/shared' || part(path) === 'src/shared')) {
        wrong.push(`${path} imports ${name}`);
      }
    }
  }
  assert.equal(wrong, []);
});

test('a library whose traps shape one file is known to that file alone', async () => {
  const wrong: string[] = [];
  for (const { path, imports } of await readSources('src')) {
    for (const name of imports) {
      if (KNOWN_BY[name]?.includes(path) === false) wrong.push(`${path} imports ${name}`);
    }
  }
  assert.equal(wrong, []);
});

test('a file of the product can be read at one sitting, and opens with what it is for', async () => {
  const wrong: string[] = [];
  for (const { path, text } of await readSources('src')) {
    const lines = text.trimEnd().split('\n');
    if (lines.length > LINES_MAX) wrong.push(`${path} has ${lines.length} lines`);
    if (!/^(#!.*\n)?\/\/ \S/.test(text)) wrong.push(`${path} opens without a sentence`);
  }
  assert.equal(wrong, []);
});

test('a test file opens with what it is for, and runs what it registers', async () => {
  const wrong: string[] = [];
  for (const { path, text } of (await readSources('test')).filter((source) => source.path.endsWith('.test.ts'))) {
    if (!/^\/\/ \S/.test(text)) wrong.push(`${path} opens without a sentence`);
    if (!/^\s*\w+\.run\(\);$|^\w*Suite\(/m.test(text)) wrong.push(`${path} runs nothing`);
  }
  assert.equal(wrong, []);
});

test.run();
