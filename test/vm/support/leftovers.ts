// What a daemon may leave on the pool that the runner made, and how the pool becomes nobody's again.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { heldIds } from './held-ids.ts';
import { shell } from './shell.ts';

const { THINSNAP_TEST_POOL: pool = '' } = process.env;
const METADATA = '/dev/vdb';

async function devices(): Promise<readonly string[]> {
  const names = await shell('dmsetup', 'info', '-c', '--noheadings', '-o', 'name');
  return names.split('\n').filter((name) => name.startsWith(`${pool}-snap-`));
}

/** The base alone has an id, and nothing is active. */
export async function leftovers(): Promise<readonly string[]> {
  const [ids, active] = [await heldIds(), await devices()];
  return ids.length === 1 && active.length === 0 ? [] : [...ids.map((id) => `thin id ${id}`), ...active];
}

/** A device with the mark of ours, and without a record, for the next start to find. */
export async function strayDevice(root: string): Promise<void> {
  const marker = await readFile(join(root, 'state', 'catalog.json'), 'utf8').catch(() => null);
  if (marker === null || (await devices()).includes(`${pool}-snap-4000`)) return;
  const uuid = `thinsnap-${/[0-9a-f]{32}/.exec(marker)?.[0] ?? ''}-4000`;
  await shell('dmsetup', 'create', `${pool}-snap-4000`, '--uuid', uuid, '--table', '0 8 zero');
}

/** The pool is nobody's again, and `thin_check` has found its metadata sound. */
export async function tidy(): Promise<void> {
  for (const name of await devices()) {
    await shell('dmsetup', 'resume', name);
    await shell('dmsetup', 'remove', '--retry', name);
  }
  for (const id of await heldIds()) await shell('dmsetup', 'message', pool, '0', 'delete', id);
  const [, , , transactionId = '0'] = (await shell('dmsetup', 'status', pool)).split(' ');
  if (transactionId !== '0') await shell('dmsetup', 'message', pool, '0', 'set_transaction_id', transactionId, '0');
  const table = await shell('dmsetup', 'table', pool);
  await shell('dmsetup', 'remove', '--retry', pool);
  try {
    await shell('thin_check', METADATA);
  } finally {
    await shell('dmsetup', 'create', pool, '--table', table);
  }
}
