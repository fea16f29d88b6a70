// Where the admin socket is when nobody says so: beside the one for containerd, so that a daemon that was only told
// that one does not get into the way of another daemon.

import { posix } from 'node:path';

/** `thinsnap.sock` has `admin.sock` beside it, any other `NAME.sock` has `NAME-admin.sock`: two may share a directory. */
export function besideAddress(address: string): string {
  const name = posix.basename(address, '.sock');
  return posix.join(posix.dirname(address), name === 'thinsnap' ? 'admin.sock' : `${name}-admin.sock`);
}
