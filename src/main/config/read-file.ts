// Reads a configuration file as text, after looking at whether it may be trusted: what stands in it decides which
// devices are formatted.

import { constants, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { whoElseMayChange, whoElseMayReplace } from '../trust.ts';
import { ConfigError, problemOfFile, quote, type SourceText } from './problems.ts';

// containerd's own with all plugins is about 15 KiB.
const FILE_MAX_BYTES = 1024 * 1024;

const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'there is no such file: a part of its path is no directory'],
  ['EACCES', 'permission denied'],
  ['ELOOP', 'its symbolic links go in a circle'],
]);

/** Throws a ConfigError when the file cannot be read, is not UTF-8, or can be changed by others than root and who runs this. */
export async function readConfigFile(file: string): Promise<SourceText> {
  try {
    return { file, text: await readTrusted(file) };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : null;
    throw refusal(file, REASONS.get(code) ?? String(error instanceof Error ? error.message : error));
  }
}

async function readTrusted(file: string): Promise<string> {
  if (file === '' || file.includes('\0')) throw refusal(file, `${quote(file)} is no path`);
  // O_NONBLOCK: a FIFO would hold up the start until someone writes to it.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    const { size } = stats;
    if (!stats.isFile()) throw refusal(file, 'it is not a regular file');
    const found = whoElseMayChange(stats) ?? (await whoElseMayReplace(resolve(file)));
    if (found !== null) throw refusal(file, found);
    if (size > FILE_MAX_BYTES) throw refusal(file, `it has ${size} bytes, at most ${FILE_MAX_BYTES} are read`);
    return decode(file, await handle.readFile());
  } finally {
    await handle.close();
  }
}

function decode(file: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refusal(file, 'it is not UTF-8 text');
  }
}

function refusal(file: string, found: string): ConfigError {
  return new ConfigError([problemOfFile(file, `Cannot read the configuration file: ${found}`)]);
}
