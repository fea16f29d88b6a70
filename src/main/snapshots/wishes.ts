// What labels ask of a new snapshot: file system, size, id mapping. Read once, when it is made, and kept in our own
// records: labels are the client's, who may replace them all at any time.

import { FaultError } from '../../shared/faults.ts';
import { FS_TYPES, type FsType } from '../../shared/tasks.ts';
import { type Bytes, parseBytes } from '../../shared/units.ts';
import type { IdMap, Labels } from '../catalog/records.ts';

/** As containerd's built-in devmapper snapshotter names it. */
const FS_TYPE_LABEL = 'containerd.io/snapshot/devmapper/fstype';
/** The most bytes that the writable layer may hold (containerd 2.4). */
const MAX_SIZE_LABEL = 'containerd.io/snapshot/max-size';
const UID_MAP_LABEL = 'containerd.io/snapshot/uidmapping';
const GID_MAP_LABEL = 'containerd.io/snapshot/gidmapping';
/** One "CONTAINER:HOST:LENGTH" or several; the kernel takes 340 extents at most (user_namespaces(7)). */
const ID_MAPPING = /^\d{1,10}:\d{1,10}:\d{1,10}(,\d{1,10}:\d{1,10}:\d{1,10}){0,339}$/;

export interface Wishes {
  readonly fsType: FsType | null;
  readonly sizeBytes: Bytes | null;
  readonly idMap: IdMap | null;
}

/** Fault `invalid` for a value that cannot be granted. */
export function parseWishes(labels: Labels): Wishes {
  return {
    fsType: fsTypeWish(labels.get(FS_TYPE_LABEL)),
    sizeBytes: sizeWish(labels.get(MAX_SIZE_LABEL)),
    idMap: idMapWish(labels.get(UID_MAP_LABEL), labels.get(GID_MAP_LABEL)),
  };
}

function fsTypeWish(label: string | undefined): FsType | null {
  if (label === undefined) return null;
  const fsType = FS_TYPES.find((known) => known === label);
  if (fsType !== undefined) return fsType;
  throw new FaultError(
    'invalid',
    `Cannot use label ${FS_TYPE_LABEL}: ${JSON.stringify(label)} is none of ${FS_TYPES.join(', ')}`,
  );
}

function sizeWish(label: string | undefined): Bytes | null {
  if (label === undefined) return null;
  const size = /^\d{1,16}$/.test(label) ? Number(label) : 0;
  if (Number.isSafeInteger(size) && size > 0) return parseBytes(size);
  throw new FaultError('invalid', `Cannot use label ${MAX_SIZE_LABEL}: ${JSON.stringify(label)} is no number of bytes`);
}

function idMapWish(uids: string | undefined, gids: string | undefined): IdMap | null {
  if (uids === undefined && gids === undefined) return null;
  if (uids !== undefined && gids !== undefined && ID_MAPPING.test(uids) && ID_MAPPING.test(gids)) return { uids, gids };
  const found = JSON.stringify([uids, gids]);
  throw new FaultError(
    'invalid',
    `Cannot use the labels for id mapping: ${found} are not two lists of CONTAINER:HOST:LENGTH`,
  );
}
