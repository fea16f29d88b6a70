// One snapshot's life: every call that it can be asked for, from its beginning to its end, and three that fail.

import * as assert from 'uvu/assert';
import { codeOf } from '../support/grpc-client.ts';
import type { Stage } from './stage.ts';

/** Calls of one life. */
export const LIFE_CALLS = 12;
const IN_FLIGHT = 16;

/** So many lives of children of `parent`, several at once. Nothing is left of them. */
export function liveOften(stage: Stage, parent: string, lives: number): Promise<void> {
  const { client } = stage;
  return repeat(lives, async () => {
    const [key, name] = [stage.key(), stage.key()];
    await client.prepare(key, parent);
    await client.mounts(key);
    await client.usage(key);
    await client.update({ name: key, labels: { a: 'b' } }, ['labels.a']);
    await client.commit(name, key);
    await client.view(key, name);
    await client.list(`name==${key}`);
    await client.remove(key);
    await client.remove(name);
    assert.is(await codeOf(client.stat(key)), 'NOT_FOUND');
    assert.is(await codeOf(client.prepare(parent)), 'ALREADY_EXISTS');
    assert.is(await codeOf(client.remove(name)), 'NOT_FOUND');
  });
}

/** So often, several at once. */
export async function repeat(count: number, action: () => Promise<void>): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await action();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}
