// What block files take on their disk, and what of that no other file shares. Extents are shared where the file system
// copies by reflink; then the kernel tells which are (fiemap.rst), and filefrag prints it.

import { statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaultError, toFault } from '../../shared/faults.ts';
import type { FileFootprint, TaskAnswer, TaskArgs } from '../../shared/tasks.ts';
import { parseBytes, SECTOR_BYTES } from '../../shared/units.ts';
import { asFault } from '../errno.ts';
import { runTool } from '../exec.ts';

/** Types of statfs(2) whose files share nothing: ext2 to ext4, and tmpfs (linux/magic.h). */
const NEVER_SHARING: ReadonlySet<number> = new Set([0xef53, 0x01021994]);
const BATCH_FILES = 64;
const BATCH_TIMEOUT_MS = 30_000;
/** Some 90 bytes for each extent. */
const BATCH_MAX_BYTES = 32 * 1024 * 1024;
/** In all; what is not looked at by then is not known. */
const LIMIT_MS = 120_000;

export async function fileFootprints({ paths }: TaskArgs<'fileFootprints'>): Promise<TaskAnswer<'fileFootprints'>> {
  // At once: 10,000 promises would take a second, and this thread has nothing else to do.
  const allocated = paths.map(allocationOf);
  const [first] = paths;
  const isShared = first !== undefined && !NEVER_SHARING.has((await statfs(dirname(first))).type);
  if (!isShared) return { footprints: allocated.map((bytes) => toFootprint(bytes, 0)), omitted: '' };
  const shared = await sharedBytes(paths.filter((_, index) => allocated[index] !== null));
  return {
    footprints: paths.map((path, index) => toFootprint(allocated[index] ?? null, shared.bytes.get(path) ?? null)),
    omitted: shared.omitted,
  };
}

function toFootprint(allocated: number | null, shared: number | null): FileFootprint | null {
  if (allocated === null) return null;
  const exclusiveBytes = shared === null ? null : parseBytes(Math.max(0, allocated - shared));
  return { allocatedBytes: parseBytes(allocated), exclusiveBytes };
}

/** In bytes; null for a file that has gone. */
function allocationOf(path: string): number | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? null : found.blocks * SECTOR_BYTES;
  } catch (error) {
    throw asFault(`look at ${path}`, error);
  }
}

interface Shared {
  /** By path; of a file that is not here it is not known. */
  readonly bytes: ReadonlyMap<string, number>;
  readonly omitted: string;
}

async function sharedBytes(paths: readonly string[]): Promise<Shared> {
  const bytes = new Map<string, number>();
  const endMs = performance.now() + LIMIT_MS;
  let omitted = '';
  for (let begin = 0; begin < paths.length; begin += BATCH_FILES) {
    if (performance.now() > endMs) return { bytes, omitted: `not all extents were read within ${LIMIT_MS / 1000} s` };
    try {
      const { stdout } = await runTool('filefrag', ['-v', ...paths.slice(begin, begin + BATCH_FILES)], {
        timeoutMs: BATCH_TIMEOUT_MS,
        wholeMaxBytes: BATCH_MAX_BYTES,
      });
      for (const [path, shared] of parseShared(stdout)) bytes.set(path, shared);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      // A file may have gone meanwhile; what the others share is not known for that.
      omitted = `extents cannot be read: ${toFault(error).message}`;
    }
  }
  return { bytes, omitted };
}

/**
 * What filefrag -v prints for each file (e2fsprogs, misc/filefrag.c):
 *
 *   File size of PATH is BYTES (N blocks of BYTES bytes)
 *    ext:     logical_offset:        physical_offset: length:   expected: flags:
 *      0:        0..     255:         24..       279:    256:             last,shared,eof
 */
export function parseShared(output: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let file = { path: '', blockBytes: 0 };
  for (const line of output.split('\n')) {
    const head = /^File size of (.*) is \d+ \(\d+ blocks? of (\d+) bytes\)$/.exec(line);
    if (head !== null) {
      file = { path: head[1] ?? '', blockBytes: Number(head[2]) };
      found.set(file.path, 0);
      continue;
    }
    const extent = /^ *\d+: *\d+\.\. *\d+: *\d+\.\. *\d+: *(\d+):(?: *\d+:)? *([a-z0-9_,]*)$/.exec(line);
    if (extent === null || !extent[2]?.split(',').includes('shared')) continue;
    found.set(file.path, (found.get(file.path) ?? 0) + Number(extent[1]) * file.blockBytes);
  }
  return found;
}
