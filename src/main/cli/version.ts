// The version that package.json states, read at run time: the built code carries no copy of it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { PACKAGE_ROOT } from '../package-root.ts';

const PACKAGE_JSON = join(PACKAGE_ROOT, 'package.json');
const PACKAGE = v.object({ version: v.string() });

export async function readVersion(): Promise<string> {
  return v.parse(PACKAGE, JSON.parse(await readFile(PACKAGE_JSON, 'utf8'))).version;
}
