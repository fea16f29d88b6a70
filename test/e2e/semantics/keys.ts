// Keys are anything: each of these lives a whole life as key, name and parent, and nothing else is touched by it.

import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { codeOf } from '../../support/grpc-client.ts';
import type { Stage } from '../stage.ts';

const ODD_KEYS: readonly string[] = [
  '/',
  '//',
  '/etc/passwd',
  '.',
  '..',
  '../../escape',
  'a/../b',
  'a/./b',
  'a//b',
  'a/',
  '-',
  '-rf',
  '--verifyudev',
  '--help',
  ' ',
  ' leading',
  'trailing ',
  'a  b\tc',
  'line\nbreak',
  '\r\n',
  '\n',
  '"double"',
  "'single'",
  '`tick`',
  '$(id)',
  '$HOME',
  '; rm -rf x',
  '&& true | false > x',
  '*',
  '?[a-z]{a,b}~!#%',
  '%s%n%00',
  'a\0b',
  '\0',
  '\u0001\u001b[31m',
  'back\\slash\\n',
  'müller-牛-🐄',
  // One letter in two spellings: different keys.
  'e\u0301',
  '\u00e9',
  '\ufeffbom',
  '\u202ertl',
  '\u{10ffff}',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  '0',
  '-1',
  '1e3',
  'true',
  'Case',
  'case',
  'default/12/extract-123456-abcd sha256:0123456789abcdef',
  'k'.repeat(255),
  'k'.repeat(256),
  'k'.repeat(4096),
  'ü'.repeat(4096),
  '\n'.repeat(4096),
  'k'.repeat(60_000),
];

export function keys(stage: Stage): void {
  let parent = '';

  stage.test(
    'a key is a key when it is odd: Prepare, View, Stat, Mounts, Update, Usage, List, Commit, Remove',
    async () => {
      parent = await stage.layer();
      for (const odd of ODD_KEYS) await life(stage, parent, odd);
    },
  );

  stage.test('keys are told apart when all of them are there at once', async () => {
    const { client } = stage;
    for (const odd of ODD_KEYS) await client.view(odd, parent, { mark: odd.slice(0, 100) });
    const found = await client.list(`parent==${parent}`);
    assert.equal(found.map(({ name }) => name).sort(), [...ODD_KEYS].sort());
    for (const odd of ODD_KEYS) assert.equal((await client.stat(odd)).labels, { mark: odd.slice(0, 100) });
    for (const odd of ODD_KEYS) await client.remove(odd);
    assert.equal(await client.list(`parent==${parent}`), []);
  });

  stage.test('no file is made outside of the root when keys look like paths', async () => {
    const { root } = stage.daemon;
    for (const path of [join(root, 'escape'), join(dirname(root), 'escape'), join(root, 'state', 'escape')]) {
      assert.is(await exists(path), false);
    }
  });
}

async function life(stage: Stage, parent: string, odd: string): Promise<void> {
  const { client } = stage;
  const shown = JSON.stringify(odd.slice(0, 40));
  const [key, name] = [stage.key(), stage.key()];
  assert.is(await codeOf(client.stat(odd)), 'NOT_FOUND', shown);
  assert.is(await codeOf(client.remove(odd)), 'NOT_FOUND', shown);
  assert.is(await codeOf(client.prepare(key, odd)), 'NOT_FOUND', shown);
  // As an active one, which becomes the parent of itself under another name.
  const made = await client.prepare(odd, parent);
  assert.is(await codeOf(client.view(odd, parent)), 'ALREADY_EXISTS', shown);
  assert.is(await codeOf(client.view(key, odd)), 'INVALID_ARGUMENT', shown);
  assert.equal(await client.mounts(odd), made, shown);
  assert.is((await client.stat(odd)).name, odd);
  assert.is((await client.update({ name: odd, labels: { odd: 'yes' } }, ['labels.odd'])).name, odd);
  await client.usage(odd);
  await client.commit(name, odd);
  assert.is(await codeOf(client.mounts(odd)), 'NOT_FOUND', shown);
  await client.remove(name);
  // As the name of a committed one, and as a parent.
  await client.prepare(key, parent);
  await client.commit(odd, key);
  assert.is(await codeOf(client.commit(odd, odd)), 'ALREADY_EXISTS', shown);
  assert.is(await codeOf(client.mounts(odd)), 'FAILED_PRECONDITION', shown);
  await client.view(key, odd);
  assert.is((await client.stat(key)).parent, odd);
  assert.is(await codeOf(client.remove(odd)), 'FAILED_PRECONDITION', shown);
  await client.remove(key);
  await client.remove(odd);
  assert.is(await codeOf(client.stat(odd)), 'NOT_FOUND', shown);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
