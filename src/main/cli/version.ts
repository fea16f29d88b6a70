// The version that package.json states, read at run time: the built code carries no copy of it.

import { readFile } from 'node:fs/promises';
import * as v from 'valibot';

// This file runs as dist/src/main/cli/version.js.
const PACKAGE_JSON = new URL('../../../../package.json', import.meta.url);
const PACKAGE = v.object({ version: v.string() });

export async function readVersion(): Promise<string> {
  return v.parse(PACKAGE, JSON.parse(await readFile(PACKAGE_JSON, 'utf8'))).version;
}
