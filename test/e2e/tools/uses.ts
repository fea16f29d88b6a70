// Calls on the way of which a tool runs, as both kinds of volumes have them.

import type { Mount } from '../../../src/main/rpc/gen/containerd/types/mount_pb.ts';
import type { Run } from '../../support/fake-tools.ts';
import type { Stage } from '../stage.ts';

const MAX_SIZE_LABEL = 'containerd.io/snapshot/max-size';
/** More than any base that is not asked for by its size. */
const LARGER = { [MAX_SIZE_LABEL]: String(2 ** 28) };

export interface Origin {
  readonly parent: string;
  /** Another one for each test: a file system is made once for each size. */
  readonly sizeBytes: number;
}

export interface Use extends Run {
  readonly title: string;
  /** The key is prepared before, undisturbed. */
  readonly prepared: boolean;
  /** Makes a snapshot without files. */
  readonly call: (stage: Stage, key: string, origin: Origin) => Promise<readonly Mount[]>;
  /** What the call answers when the tool did nothing and ended well: not every tool must have worked. */
  readonly idle: RegExp;
}

export const FAULT = /^(INTERNAL|UNAVAILABLE|DEADLINE_EXCEEDED)$/;

export const CALLS = {
  base: ({ client }, key, { sizeBytes }) => client.prepare(key, '', { [MAX_SIZE_LABEL]: String(sizeBytes) }),
  child: ({ client }, key, { parent }) => client.prepare(key, parent),
  largerChild: ({ client }, key, { parent }) => client.prepare(key, parent, LARGER),
  commit: async ({ client }, key) => {
    await client.commit(`name ${key}`, key);
    return client.view(key, `name ${key}`);
  },
  /** A Commit of what is mounted takes a copy. */
  commitOpen: async (stage, key) => {
    const { client } = stage;
    await stage.mounted(await client.mounts(key), () => client.commit(`name ${key}`, key));
    return client.view(key, `name ${key}`);
  },
} as const satisfies Record<string, Use['call']>;

/** Of ext4, whatever it is on. Those that make a base come first. */
export const EXT4_USES: readonly Use[] = [
  { title: 'mkfs.ext4', tool: 'mkfs.ext4', word: '', prepared: false, call: CALLS.base, idle: FAULT },
  { title: 'debugfs, of a base,', tool: 'debugfs', word: 'rmdir', prepared: false, call: CALLS.base, idle: FAULT },
  // resize2fs insists on a check only of what was mounted since the last one.
  { title: 'e2fsck', tool: 'e2fsck', word: '', prepared: false, call: CALLS.largerChild, idle: /^(OK|INTERNAL)$/ },
  { title: 'resize2fs', tool: 'resize2fs', word: '', prepared: false, call: CALLS.largerChild, idle: /^OK$/ },
];
