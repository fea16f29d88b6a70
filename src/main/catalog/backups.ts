// The backups that a daemon makes of its catalog: one an hour and one at a clean stop, under root_path, the newest kept.

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backupText, fileTime, writeBackup } from './backup-file.ts';
import type { Captured } from './contents.ts';

/** A day of hours. */
export const BACKUPS_KEPT = 24;
const INTERVAL_MS = 3_600_000;
/** catalog-20261124T182713Z-1234.backup: when it was made, and of which batch. */
const NAME = /^catalog-(\d{8}T\d{6}Z)-(\d+)\.backup$/;

export interface BackupsOptions {
  readonly capture: () => Captured;
  readonly directory: string;
  readonly onError: (error: unknown) => void;
}

export function backupDirectory(rootPath: string): string {
  return join(rootPath, 'backups');
}

export function backupName({ head }: Pick<Captured, 'head'>, now = new Date()): string {
  return `catalog-${fileTime(now)}-${head.sequence}.backup`;
}

export class Backups {
  readonly #options: BackupsOptions;
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: BackupsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.write(), INTERVAL_MS).unref();
  }

  /** One of now, behind those that are being written. What goes wrong is told and no more: the next one is tried. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeNew()).catch(this.#options.onError);
    return this.#writing;
  }

  /** The last one. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
  }

  async #writeNew(): Promise<void> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const captured = this.#options.capture();
    const newest = (await listBackups(directory)).at(-1);
    if (newest !== undefined && NAME.exec(newest)?.[2] === String(captured.head.sequence)) return;
    await writeBackup(join(directory, backupName(captured)), backupText(captured));
    const names = await listBackups(directory);
    for (const name of names.slice(0, -BACKUPS_KEPT)) await rm(join(directory, name));
  }
}

/** Names of backups, the oldest first. */
export async function listBackups(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  const found = names.flatMap((name) => {
    const [, time = '', sequence] = NAME.exec(name) ?? [];
    return sequence === undefined ? [] : [{ name, time, sequence: Number(sequence) }];
  });
  // Some are made in the same second.
  return found
    .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.sequence - b.sequence))
    .map(({ name }) => name);
}
