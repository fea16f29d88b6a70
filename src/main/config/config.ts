// The daemon's settings once every source was read and every value checked: what the rest of main is given.

import type { EngineKind, FsType } from '../../shared/tasks.ts';
import type { Bytes } from '../../shared/units.ts';

export const VOLUME_CHOICES = ['auto', 'thin-pool', 'blockfile'] as const;
export const ENGINE_CHOICES = ['auto', 'ioctl', 'dmsetup'] as const;
/** Root alone, or also a group. Nobody else: who may connect decides over every container's files. */
export const SOCKET_MODES = ['0600', '0660'] as const;
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Space that must stay free, of data and of metadata alike: a share of the whole, or a size. */
export type MinFreeSpace =
  | { readonly kind: 'percent'; readonly percent: number }
  | { readonly kind: 'bytes'; readonly bytes: Bytes };

export interface Config {
  /** Directory of everything the daemon keeps; absolute. */
  readonly rootPath: string;
  /** Unix socket that containerd connects to; absolute. */
  readonly address: string;
  /** Unix socket that `thinsnap` connects to; absolute. */
  readonly adminAddress: string;
  /** Of the socket that containerd connects to; the admin socket is always 0600. */
  readonly socketMode: (typeof SOCKET_MODES)[number];
  /** Group of that socket, by name or number; null: the daemon's own. */
  readonly socketGroup: string | null;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly volumes: (typeof VOLUME_CHOICES)[number];
  /** Name under /dev/mapper; null: none configured. */
  readonly poolName: string | null;
  /** Directory of the descriptions of pools; absolute. */
  readonly poolDirectory: string;
  /** How long a start waits for what its pool is made of. */
  readonly deviceWaitSeconds: number;
  readonly engine: 'auto' | EngineKind;
  /** Threads for the fast lane; 0: derived from the machine. */
  readonly workers: number;
  readonly baseImageSize: Bytes;
  readonly fsType: FsType;
  /** Options for mkfs, split as words. */
  readonly fsOptions: readonly string[];
  /** Added to the options of every mount answered. */
  readonly mountOptions: readonly string[];
  readonly asyncRemove: boolean;
  readonly discardBlocks: boolean;
  readonly minFreeSpace: MinFreeSpace;
  /** Percent of use from which on the pool is extended by itself, where its description says nothing; 100: never. */
  readonly autoextendThreshold: number;
  /** By so many percent of its size. */
  readonly autoextendPercent: number;
  /** How often an xfs in a pool without space tries to write its metadata again, before it gives up. */
  readonly xfsNospaceMaxRetries: number;
  /** Snapshots of one parent that may stand ready; 0: none at all. */
  readonly standbyPerParent: number;
  /** Snapshots that may stand ready in all; 0: none at all. */
  readonly standbyTotal: number;
}
