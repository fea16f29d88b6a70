// The file beside the catalog that says there is one. LevelDB opens a lost database as a new one; a daemon that
// believed it would forget every snapshot in silence.

import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { failpoint } from '../../shared/failpoints.ts';
import { FaultError } from '../../shared/faults.ts';

const MARKER_FILE = 'catalog.json';
const markerSchema = v.object({ catalogId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)) });

/** The catalog's id; null when there never was one here. Fault `io` when the file is not ours. */
export async function readMarker(rootPath: string): Promise<string | null> {
  const path = join(rootPath, MARKER_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new FaultError('io', `Cannot read ${path}: ${String(error)}`, { cause: error });
  }
  try {
    return v.parse(markerSchema, JSON.parse(text)).catalogId;
  } catch (error) {
    throw new FaultError('io', `Cannot read ${path}: it does not hold a catalog's id`, { cause: error });
  }
}

/** Writes it whole or not at all, and durably. */
export async function writeMarker(rootPath: string, catalogId: string): Promise<void> {
  const path = join(rootPath, MARKER_FILE);
  const file = await open(`${path}.partial`, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ catalogId })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await failpoint('catalog.marker-beside');
  await rename(`${path}.partial`, path);
  await failpoint('catalog.marker-renamed');
  const directory = await open(rootPath, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
