// Whether what a path names can be trusted: only root and the user that runs this may be able to change or replace it. As sshd
// with StrictModes, except that the owners of the directories above are not looked at.

import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
/** In such a directory only a file's owner may remove or rename it. */
const STICKY = 0o1000;

/** For messages: who else may write to it, and what to do; null when nobody. */
export function whoElseMayChange(
  { mode, uid }: Pick<Stats, 'mode' | 'uid'>,
  euid = process.geteuid?.() ?? 0,
): string | null {
  const shown = (mode & 0o7777).toString(8);
  if (uid !== 0 && uid !== euid) return `it belongs to user ${uid}, who may change it: chown it to root`;
  if ((mode & OTHERS_WRITE) !== 0) return `anyone may write to it (mode ${shown}): take that away with chmod o-w`;
  if ((mode & GROUP_WRITES) !== 0) return `its group may write to it (mode ${shown}): take that away with chmod g-w`;
  return null;
}

/** For messages: who else may put something else in its place, by a directory above it; null when nobody. */
export async function whoElseMayReplace(path: string): Promise<string | null> {
  for (const directory of await directoriesOf(path)) {
    const { mode } = await stat(directory);
    if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) {
      return `anyone may write to ${directory} and put another in its place: take that away with chmod o-w`;
    }
  }
  return null;
}

/** Those that lead to `path` and, where it is a symbolic link, to what that names. It need not be there. */
async function directoriesOf(path: string): Promise<ReadonlySet<string>> {
  const nearest = await realpath(dirname(path));
  const target = await realpath(path).catch(() => path);
  const directories = new Set<string>();
  for (let directory of [nearest, dirname(target)]) {
    for (; !directories.has(directory); directory = dirname(directory)) directories.add(directory);
  }
  return directories;
}
