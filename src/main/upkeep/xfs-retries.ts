// Keeps xfs from waiting for ever for space in a full pool. By itself it tries to write its metadata again and again, and the
// limit can only be set while it is mounted, in /sys/fs/xfs/DEVICE/error/metadata/ENOSPC/max_retries (Documentation/admin-guide/
// xfs.rst). Not the daemon mounts, but containerd, in whatever mount namespace; that folder shows all that are mounted.

import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is mounted waits this long for its limit at most. A look costs one system call, and one more for each xfs mounted. */
const LOOK_MS = 2_000;
const DM_NODE = /^dm-\d+$/;

export interface XfsRetriesOptions {
  /** How often xfs tries again before it gives up: it shuts down then, and every access to it fails. */
  readonly maxRetries: number;
  /** Of the dm uuids of our devices: nobody else's are touched. */
  readonly uuidPrefix: string;
  /** A file system that goes on waiting; told once for each. */
  readonly onError: (device: string, error: unknown) => void;
  /** Where sysfs is, but for tests. */
  readonly sysRoot?: string;
}

export class XfsRetries {
  readonly #options: XfsRetriesOptions;
  readonly #sysRoot: string;
  readonly #timer: NodeJS.Timeout;
  /** Each that was seen to, with the inode of its folder, which is another after another mount. */
  #seen: ReadonlyMap<string, number> = new Map();
  #looking: Promise<void> | null = null;

  constructor(options: XfsRetriesOptions) {
    this.#options = options;
    this.#sysRoot = options.sysRoot ?? '/sys';
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  /** Sees to what has been mounted since the last look; never rejects. One look at a time. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    // Where xfs was never used there is no such folder.
    const mounted = await readdir(join(this.#sysRoot, 'fs/xfs')).catch(() => []);
    const seen = new Map<string, number>();
    for (const device of mounted) {
      if (!DM_NODE.test(device)) continue;
      const inode = await this.#seeTo(device);
      if (inode !== null) seen.set(device, inode);
    }
    this.#seen = seen;
  }

  /** Null when it was unmounted meanwhile. */
  async #seeTo(device: string): Promise<number | null> {
    const folder = join(this.#sysRoot, 'fs/xfs', device);
    const found = await stat(folder).catch(() => null);
    if (found === null || found.ino === this.#seen.get(device)) return found?.ino ?? null;
    const uuid = await readFile(join(this.#sysRoot, 'block', device, 'dm/uuid'), 'utf8').catch(() => '');
    if (!uuid.startsWith(this.#options.uuidPrefix)) return found.ino;
    try {
      await writeFile(join(folder, 'error/metadata/ENOSPC/max_retries'), `${this.#options.maxRetries}\n`, {
        flag: 'r+',
      });
    } catch (error) {
      if ((await stat(folder).catch(() => null)) === null) return null;
      this.#options.onError(device, error);
    }
    return found.ino;
  }
}
