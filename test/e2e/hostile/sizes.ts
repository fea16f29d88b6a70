// Keys, labels and requests at the bounds of their sizes and just beyond: taken whole, or refused and nothing stored.

import * as assert from 'uvu/assert';
import { codeOf } from '../../support/grpc-client.ts';
import type { LabelMap } from '../../support/snapshots-client.ts';
import type { Stage } from '../stage.ts';

const MIB = 1024 * 1024;
const KEY_BYTES_MAX = 65_536;
const LABEL_BYTES_MAX = 4096;

export function sizes(stage: Stage): void {
  for (const bytes of [1, 4096, KEY_BYTES_MAX]) {
    stage.test(`a key and a name of ${bytes} bytes are taken and live a whole life`, async () => {
      const { client } = stage;
      const [key, name] = [keyOf(stage, bytes, 'k'), keyOf(stage, bytes, 'n')];
      await client.prepare(key);
      assert.is((await client.stat(key)).name, key);
      await client.commit(name, key);
      assert.is((await client.view(key, name)).length, 1);
      assert.is((await client.stat(key)).parent, name);
      await client.remove(key);
      await client.remove(name);
    });
  }

  for (const bytes of [0, KEY_BYTES_MAX + 1, MIB]) {
    stage.test(
      `INVALID_ARGUMENT is the answer to a key or a name of ${bytes} bytes, and nothing is stored`,
      async () => {
        const { client } = stage;
        const before = (await client.list()).length;
        const [odd, key] = [keyOf(stage, bytes, 'k'), await stage.aView()];
        const makes = [client.prepare(odd), client.view(odd), client.commit(odd, key)].map(codeOf);
        const asks = [client.stat(odd), client.mounts(odd), client.remove(odd), client.usage(odd)].map(codeOf);
        for (const code of await Promise.all(makes)) assert.is(code, 'INVALID_ARGUMENT');
        for (const code of await Promise.all(asks)) assert.match(code, /^(INVALID_ARGUMENT|NOT_FOUND)$/);
        await client.remove(key);
        assert.is((await client.list()).length, before);
      },
    );
  }

  stage.test('a label of 4,096 bytes is taken, one of 4,097 is refused and nothing is stored', async () => {
    const { client } = stage;
    const fits = { key: 'v'.repeat(LABEL_BYTES_MAX - 3) };
    const key = await stage.aView(fits);
    assert.equal((await client.stat(key)).labels, fits);
    const odd = stage.key();
    const labels = { key: 'v'.repeat(LABEL_BYTES_MAX - 2) };
    assert.is(await codeOf(client.view(odd, '', labels)), 'INVALID_ARGUMENT');
    assert.is(await codeOf(client.update({ name: key, labels }, ['labels.key'])), 'INVALID_ARGUMENT');
    assert.is(await codeOf(client.stat(odd)), 'NOT_FOUND');
    assert.equal((await client.stat(key)).labels, fits);
    await client.remove(key);
  });

  stage.test('5,001 labels are taken', async () => {
    const labels = Object.fromEntries(Array.from({ length: 5001 }, (_, index) => [`label-${index}`, 'v']));
    const key = await stage.aView(labels);
    assert.equal((await stage.client.stat(key)).labels, labels);
    await stage.client.remove(key);
  });

  for (const bytes of [4 * MIB - 1, 4 * MIB + 1]) {
    stage.test(`a request of some ${bytes} bytes is taken whole`, async () => {
      const labels = labelsOf(bytes);
      const key = await stage.aView(labels);
      assert.equal((await stage.client.stat(key)).labels, labels);
      await stage.client.remove(key);
    });
  }
}

function keyOf(stage: Stage, bytes: number, letter: string): string {
  if (bytes <= 1) return letter.repeat(bytes);
  return stage.key().padEnd(bytes, letter);
}

/** That many bytes of keys and values. */
function labelsOf(bytes: number): LabelMap {
  const labels = new Map<string, string>();
  for (let left = bytes; left > 0; left -= LABEL_BYTES_MAX) {
    const key = `label-${labels.size}`;
    labels.set(key, 'v'.repeat(Math.max(1, Math.min(left, LABEL_BYTES_MAX) - key.length)));
  }
  return Object.fromEntries(labels);
}
