// The tools that may be run, the Debian package that has each, and where they are looked for.

export const TOOL_PACKAGES = {
  blkdiscard: 'util-linux',
  blockdev: 'util-linux',
  cp: 'coreutils',
  debugfs: 'e2fsprogs',
  dmsetup: 'dmsetup',
  e2fsck: 'e2fsprogs',
  fallocate: 'util-linux',
  filefrag: 'e2fsprogs',
  flock: 'util-linux',
  fsfreeze: 'util-linux',
  losetup: 'util-linux',
  lvm: 'lvm2',
  'mkfs.ext2': 'e2fsprogs',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  resize2fs: 'e2fsprogs',
  thin_check: 'thin-provisioning-tools',
  thin_dump: 'thin-provisioning-tools',
  thin_ls: 'thin-provisioning-tools',
  thin_repair: 'thin-provisioning-tools',
  unshare: 'util-linux',
  wipefs: 'util-linux',
} as const;

export type ToolName = keyof typeof TOOL_PACKAGES;
export const TOOL_NAMES = Object.keys(TOOL_PACKAGES).filter((name): name is ToolName => name in TOOL_PACKAGES);

/** Fixed, whatever PATH says. */
export const TOOL_SEARCH_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
