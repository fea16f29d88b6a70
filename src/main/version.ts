// This program's version, from its package.json.

import { readFile } from 'node:fs/promises';
import * as v from 'valibot';

const packageSchema = v.object({ version: v.string() });

/** From dist/src/main/. */
const PACKAGE_JSON = new URL('../../../package.json', import.meta.url);

export async function readVersion(): Promise<string> {
  return v.parse(packageSchema, JSON.parse(await readFile(PACKAGE_JSON, 'utf8'))).version;
}
