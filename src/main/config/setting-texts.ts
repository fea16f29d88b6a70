// What each setting means, for the manual page thinsnap.toml(5). docs/operating.md says more of some.

import type { Field } from './settings.ts';

/** Plain sentences; one that is missing does not compile. */
export const SETTING_TEXTS: Readonly<Record<Field, string>> = {
  rootPath:
    'Everything that the daemon keeps: catalog, lock, block files, its own pool. Made for root alone. It must be on a file system of this machine.',
  address: 'The socket that containerd connects to; at most 107 bytes.',
  adminAddress:
    'The socket that thinsnap connects to, mode 0600; at most 107 bytes. Where address is set and this is not, it is beside that one.',
  socketMode: 'Of the socket at address: "0600" for root alone, "0660" lets socket_group in as well.',
  socketGroup:
    'That group, by its name in /etc/group or its number; the daemon\'s own when empty. Needs socket_mode = "0660".',
  logLevel: '"trace", "debug", "info", "warn", "error" or "fatal". "debug" has a line for each call.',
  volumes: '"auto", "thin-pool" (the pool in pool_name, which must be set then) or "blockfile".',
  poolName:
    "A thin pool's name under /dev/mapper, without that prefix. LVM's vg0/pool is vg0-pool there; a dash inside either name is doubled.",
  poolDirectory:
    'Descriptions of pools: "thinsnap pool create" writes them, and the daemon brings its pool back by them.',
  deviceWaitSeconds: 'How many seconds a start waits for what its pool is made of.',
  engine: '"auto", "ioctl" (straight to the kernel) or "dmsetup" (the command). "auto" takes "ioctl" where it works.',
  workers: 'Threads for device-mapper calls, at most 256. 0: four for each core, at most 16.',
  baseImageSize:
    'Size of a new file system. Multiples are binary: "10GB" is the same as "10GiB". At least 16 MiB for ext4 and ext2, 300 MiB for xfs.',
  fsType: '"ext4", "ext2" or "xfs".',
  fsOptions: 'Options for mkfs, as a list of words or one text. Options that name other devices or force are refused.',
  mountOptions: 'Added to each mount that is answered, as a list or one text with commas.',
  asyncRemove:
    'true: Remove answers once the removal is recorded. false: it also waits until the deletion was tried once, for 30 s at most.',
  discardBlocks: "Thin pools: give a removed device's blocks back to the disk under the pool.",
  minFreeSpace:
    "Below it new snapshots are refused; a share up to 50%, or a size. It holds for data and for the pool's metadata.",
  autoextendThreshold:
    'Above so many percent of use, of data or of metadata, the pool is extended: 50 to 99; 100: never. What the description of a pool says goes before.',
  autoextendPercent: 'By so many percent of its size, 1 to 1000; likewise.',
  xfsNospaceMaxRetries:
    'How often xfs in a pool without space tries again to write its metadata before it gives up; 0: not once.',
  standbyPerParent: 'Snapshots of one parent that may be made ahead, at most 4096; 0: none, of any.',
  standbyTotal: 'Snapshots that may stand ready in all, at most 4096; 0: none.',
};
