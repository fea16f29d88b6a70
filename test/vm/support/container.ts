// A container that containerd starts from an image, on the snapshotter that a daemon serves.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { startContainerd } from '../../e2e/containerd/containerd.ts';
import { IMAGE_NAME, writeImage } from '../../e2e/containerd/oci-image.ts';

const NAMESPACE = 'tests';
/** Of a container that ends at once, ctr may show nothing (seen with 1.6). */
const SCRIPT = 'echo hello; sleep 1';
/** What `ctr` is given. */
export const HELLO = ['run', '--rm', '--snapshotter', 'thinsnap', IMAGE_NAME, 'hello', 'sh', '-c', SCRIPT] as const;

/** With a containerd of its own, an image unpacked through `address`, and both gone afterwards. */
export async function sayHello(address: string, meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
  try {
    const containerd = await startContainerd({ name: 'thinsnap', address });
    try {
      await writeImage(join(dir, 'image.tar'));
      await containerd.ctr(NAMESPACE, 'images', 'import', '--snapshotter', 'thinsnap', join(dir, 'image.tar'));
      assert.is((await containerd.ctr(NAMESPACE, ...HELLO)).trim(), 'hello');
      await meanwhile();
      await containerd.ctr(NAMESPACE, 'images', 'rm', '--sync', IMAGE_NAME);
    } finally {
      await containerd.remove();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
