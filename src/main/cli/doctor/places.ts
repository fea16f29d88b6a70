// Files and directories: who may change them or put others in their place, and how much room there is.

import type { Stats } from 'node:fs';
import { lstat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatSize } from '../../../shared/sizes.ts';
import { GIB, parseBytes } from '../../../shared/units.ts';
import { whoElseMayChange, whoElseMayReplace } from '../../trust.ts';
import { error, type Finding, groupOf, ok, type Subject, warning } from './finding.ts';

/** Less, and the catalog and its backups may run out of room. */
const FREE_BYTES_MIN = GIB;
const FREE_FILES_MIN = 10_000;

export interface PlaceFacts {
  readonly what: string;
  readonly path: string;
  readonly wanted: 'directory' | 'file' | 'socket';
  /** Null: it is not there. */
  readonly found: { readonly kind: 'directory' | 'file' | 'socket' | 'other'; readonly mode: number } | null;
  /** Who else may change it or put another in its place, and what to do; null when nobody. */
  readonly trouble: string | null;
}

export interface SpaceFacts {
  readonly path: string;
  readonly freeBytes: number;
  /** Null where the file system has no such limit. */
  readonly freeFiles: number | null;
}

export const places = groupOf('files', gatherPlaces, (facts) => [
  ...facts.places.map(judgePlace),
  judgeSpace(facts.space),
]);

async function gatherPlaces({ config, configFile }: Subject) {
  const wanted = [
    ...(configFile === null ? [] : [{ what: 'configuration', path: configFile, wanted: 'file' } as const]),
    { what: 'root_path', path: config.rootPath, wanted: 'directory' } as const,
    { what: 'address', path: config.address, wanted: 'socket' } as const,
    { what: 'admin_address', path: config.adminAddress, wanted: 'socket' } as const,
  ];
  return { places: await Promise.all(wanted.map(lookAt)), space: await spaceAt(config.rootPath) };
}

async function lookAt(place: Pick<PlaceFacts, 'what' | 'path' | 'wanted'>): Promise<PlaceFacts> {
  const stats = await lstat(place.path).catch(() => null);
  if (stats === null) return { ...place, found: null, trouble: null };
  // A socket's own mode says who may connect, and its group may be meant to.
  const changed = place.wanted === 'socket' ? null : whoElseMayChange(stats);
  return {
    ...place,
    found: { kind: kindOf(stats), mode: stats.mode & 0o7777 },
    trouble: changed ?? (await whoElseMayReplace(place.path)),
  };
}

function kindOf(stats: Stats): 'directory' | 'file' | 'socket' | 'other' {
  if (stats.isDirectory()) return 'directory';
  if (stats.isSocket()) return 'socket';
  return stats.isFile() ? 'file' : 'other';
}

/** Of the nearest directory that is there. */
async function spaceAt(path: string): Promise<SpaceFacts> {
  for (let directory = path; ; directory = dirname(directory)) {
    const fs = await statfs(directory).catch(() => null);
    if (fs === null && directory !== dirname(directory)) continue;
    if (fs === null) return { path, freeBytes: 0, freeFiles: 0 };
    return { path: directory, freeBytes: fs.bavail * fs.bsize, freeFiles: fs.files === 0 ? null : fs.ffree };
  }
}

export function judgePlace({ what, path, wanted, found, trouble }: PlaceFacts): Finding {
  const name = `${what} ${path}`;
  if (found === null) {
    const why = wanted === 'socket' ? 'is not there: thinsnapd does not run' : 'is not there yet';
    return wanted === 'file' ? error(name, why, 'Give --config') : ok(name, why);
  }
  if (found.kind !== wanted) {
    return error(name, `is no ${wanted}`, `Remove it, or set another ${what}`);
  }
  if (trouble !== null) return error(name, trouble, 'thinsnapd does not start with it');
  const mode = found.mode.toString(8).padStart(4, '0');
  if (what === 'admin_address' && (found.mode & 0o077) !== 0) {
    return error(name, `others than root may connect (mode ${mode})`, `Run: chmod 0600 ${path}`);
  }
  if (what === 'address' && (found.mode & 0o007) !== 0) {
    return error(name, `anyone may connect (mode ${mode})`, `Run: chmod o= ${path}`);
  }
  return ok(name, `mode ${mode}`);
}

export function judgeSpace({ path, freeBytes, freeFiles }: SpaceFacts): Finding {
  const name = `space at ${path}`;
  const free = `${formatSize(parseBytes(freeBytes))} free`;
  const fix = 'Make room there, or set another root_path: without it the catalog cannot be written';
  if (freeBytes === 0 || freeFiles === 0)
    return error(name, freeBytes === 0 ? 'none is free' : 'no file can be made', fix);
  if (freeFiles !== null && freeFiles < FREE_FILES_MIN) return warning(name, `${free}, for ${freeFiles} files`, fix);
  return freeBytes < FREE_BYTES_MIN ? warning(name, free, fix) : ok(name, free);
}
