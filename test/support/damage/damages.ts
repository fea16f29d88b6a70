// Damages of one kind of file each, drawn from a seed: a bit flipped, the end cut off, the file lost, or in its place the
// one of yesterday.

import { copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Days } from './days.ts';

/** Where files of each kind are, and what tells them. */
export const FILE_KINDS = {
  CURRENT: { folder: 'catalog', name: /^CURRENT$/ },
  MANIFEST: { folder: 'catalog', name: /^MANIFEST-/ },
  log: { folder: 'catalog', name: /^\d+\.log$/ },
  table: { folder: 'catalog', name: /^\d+\.ldb$/ },
  LOCK: { folder: 'catalog', name: /^LOCK$/ },
  mark: { folder: '', name: /^catalog\.mark$/ },
  marker: { folder: '', name: /^catalog\.json$/ },
  'lock/CURRENT': { folder: 'lock', name: /^CURRENT$/ },
  'lock/MANIFEST': { folder: 'lock', name: /^MANIFEST-/ },
  'lock/log': { folder: 'lock', name: /^\d+\.log$/ },
  'lock/LOCK': { folder: 'lock', name: /^LOCK$/ },
  'lock/pid': { folder: 'lock', name: /^pid$/ },
} as const;
export type FileKind = keyof typeof FILE_KINDS;

export interface Damage {
  readonly name: string;
  /** Damages the root, and says what it did. */
  readonly apply: (root: string, days: Days) => Promise<string>;
}

export interface Counts {
  readonly flips: number;
  readonly cuts: number;
}

export function damagesOf(kind: FileKind, { flips, cuts }: Counts, random: () => number): readonly Damage[] {
  const path = (root: string) => pick(root, kind, random);
  const flip: Damage = { name: 'flip', apply: async (root) => flipBit(await path(root), random) };
  const cut: Damage = { name: 'cut', apply: async (root) => cutOff(await path(root), random) };
  const empty: Damage = { name: 'empty', apply: async (root) => emptied(await path(root)) };
  const lose: Damage = { name: 'lose', apply: async (root) => lost(await path(root)) };
  const swap: Damage = {
    name: 'swap',
    apply: async (root, { yesterday }) => swapped(await path(root), await pick(yesterday, kind, random)),
  };
  return [...times(flips, flip), ...times(cuts, cut), empty, lose, swap];
}

/** Of the folder as a whole. */
export const FOLDER_DAMAGES = folderDamages('catalog');
export const LOCK_FOLDER_DAMAGES = folderDamages('lock');

function folderDamages(name: 'catalog' | 'lock'): readonly Damage[] {
  return [
    { name: 'the folder is empty', apply: async (root) => replaced(join(root, name), async () => undefined) },
    { name: 'the folder is lost', apply: async (root) => lost(join(root, name)) },
    {
      name: "the folder is yesterday's",
      apply: async (root, { yesterday }) =>
        replaced(join(root, name), async (folder) => {
          for (const file of await readdir(join(yesterday, name))) {
            await copyFile(join(yesterday, name, file), join(folder, file));
          }
        }),
    },
  ];
}

async function pick(root: string, kind: FileKind, random: () => number): Promise<string> {
  const { folder, name } = FILE_KINDS[kind];
  const names = (await readdir(join(root, folder))).filter((entry) => name.test(entry)).sort();
  const chosen = names[Math.floor(random() * names.length)];
  if (chosen === undefined) throw new Error(`There is no ${kind} in ${root}`);
  return join(root, folder, chosen);
}

async function flipBit(path: string, random: () => number): Promise<string> {
  const bytes = await readFile(path);
  const [at, bit] = [Math.floor(random() * bytes.length), Math.floor(random() * 8)];
  if (bytes.length > 0) bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
  await writeFile(path, bytes);
  return `${path}: bit ${bit} of byte ${at} of ${bytes.length}`;
}

async function cutOff(path: string, random: () => number): Promise<string> {
  const { length } = await readFile(path);
  const left = Math.floor(random() * length);
  await truncate(path, left);
  return `${path}: ${left} bytes left of ${length}`;
}

async function emptied(path: string): Promise<string> {
  await truncate(path, 0);
  return `${path}: emptied`;
}

async function lost(path: string): Promise<string> {
  await rm(path, { recursive: true });
  return `${path}: removed`;
}

async function swapped(path: string, yesterdays: string): Promise<string> {
  await copyFile(yesterdays, path);
  return `${path}: now ${yesterdays}`;
}

async function replaced(folder: string, fill: (folder: string) => Promise<void>): Promise<string> {
  await rm(folder, { recursive: true });
  await mkdir(folder);
  await fill(folder);
  return `${folder}: replaced`;
}

function times(count: number, damage: Damage): readonly Damage[] {
  return Array.from({ length: count }, () => damage);
}
