// The file beside the catalog that says there is one, and in which format. LevelDB opens a lost database as a new one; a
// daemon that believed it would forget every snapshot in silence.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { FaultError } from '../../shared/faults.ts';
import { isMissing, writeWhole } from '../durable-file.ts';
import { CATALOG_FORMAT, checkFormat } from './codec.ts';

export const MARKER_FILE = 'catalog.json';
const markerSchema = v.object({ catalogId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)) });

/** The catalog's id; null when there never was one here. Faults: `io` when the file is not ours, `unsupported` for another format. */
export async function readMarker(rootPath: string): Promise<string | null> {
  const path = join(rootPath, MARKER_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw new FaultError('io', `Cannot read ${path}: ${String(error)}`, { cause: error });
  }
  try {
    const value: unknown = JSON.parse(text);
    const { catalogId } = v.parse(markerSchema, value);
    checkFormat(value);
    return catalogId;
  } catch (error) {
    if (error instanceof FaultError) throw error;
    const advice = 'Run "thinsnap catalog repair", which makes it anew';
    throw new FaultError('io', `Cannot read ${path}: it does not hold a catalog's id. ${advice}`, { cause: error });
  }
}

/** Writes it whole or not at all, and durably. */
export async function writeMarker(rootPath: string, catalogId: string): Promise<void> {
  const text = `${JSON.stringify({ catalogId, format: CATALOG_FORMAT })}\n`;
  await writeWhole(join(rootPath, MARKER_FILE), (path) => writeFile(path, text, { mode: 0o600 }));
}
