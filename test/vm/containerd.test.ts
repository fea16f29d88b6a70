// containerd and runc on a real thin pool, however the daemon speaks to it and whatever it formats.
// vm: plain pool THINSNAP_TEST_SETUP=ioctl,ext4|dmsetup,xfs
// vm: udev pool THINSNAP_TEST_SETUP=ioctl,xfs|dmsetup,ext4

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { containerdSuite } from '../e2e/containerd/scenario.ts';
import { thinsnapSubject } from '../e2e/containerd/thinsnap.ts';

const TOOL_TIMEOUT_MS = 60_000;
const METADATA = '/dev/vdb';
const { THINSNAP_TEST_POOL: pool = '', THINSNAP_TEST_SETUP: setup = '' } = process.env;
// Pairs, so that with the two guests every two of engine, file system and udevd meet: a run takes minutes when emulated.
const [engine = '', fsType = ''] = setup.split(',');

async function tool(...[file = '', ...args]: readonly string[]): Promise<string> {
  return (await promisify(execFile)(file, args, { timeout: TOOL_TIMEOUT_MS })).stdout;
}

/** The pool's thin ids and the dm devices there are. */
async function holdings(): Promise<string> {
  const devices = (await tool('dmsetup', 'ls')).split('\n').sort().join('\n');
  await tool('dmsetup', 'message', pool, '0', 'reserve_metadata_snap');
  try {
    return `${devices}\nthin ids:\n${await tool('thin_ls', '--no-headers', '-m', '-o', 'DEV', METADATA)}`;
  } finally {
    await tool('dmsetup', 'message', pool, '0', 'release_metadata_snap');
  }
}

containerdSuite(`thin pool, ${engine}, ${fsType}`, 'process', () =>
  thinsnapSubject(
    {
      volumes: 'thin-pool',
      pool_name: pool,
      engine,
      // Threads take seconds to start in an emulated machine.
      workers: 4,
      fs_type: fsType,
      // The smallest file system that mkfs.xfs makes takes 300 MB.
      base_image_size: fsType === 'xfs' ? '320MB' : '64MB',
    },
    holdings,
  ),
);
