// An OCI image made from nothing but Debian's static busybox: four layers that add, overwrite, delete and replace, so
// that a snapshotter which mixes up layers cannot look right. `CHECK_SCRIPT` is run inside and knows what must be there.

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { makeTar, type TarEntry } from './tar.ts';

export const IMAGE_NAME = 'test.local/layers:1';
export const LAYER_COUNT = 4;

const BIG_BYTES = 3 * 2 ** 20;
const APPLETS = ['sh', 'cat', 'echo', 'ls', 'sleep', 'stat', 'test', 'touch', 'mkdir', 'rm', 'sha256sum', 'sync', 'id'];

/** Ends with 0 and says "image-ok" when the root is what the four layers make. */
export const CHECK_SCRIPT = `set -e
is() { [ "$2" = "$3" ] || { echo "$1: $2, not $3"; exit 1; }; }
is overwritten "$(cat /data/a)" a2
is added "$(cat /data/c)" c2
is hardlink "$(cat /data/c-too)" c2
is 'file that became a directory' "$(cat /data/b/inside)" b4
is 'deleted file' "$(ls /data/deleted 2>/dev/null)" ''
is 'deleted directory' "$(ls -d /gone 2>/dev/null)" ''
is 'opaque directory' "$(ls /opaque)" new
is 'mode and owner' "$(stat -c '%a %u' /data/owned)" '4750 1000'
is 'big file' "$(sha256sum </data/big)" '${sha256(bigContent())}  -'
echo image-ok`;

function bigContent(): Buffer {
  return Buffer.alloc(BIG_BYTES, 'thinsnap ');
}

async function layers(): Promise<readonly (readonly TarEntry[])[]> {
  const busybox = await readFile('/usr/bin/busybox');
  const directories = ['bin', 'data', 'dev', 'etc', 'gone', 'opaque', 'proc', 'sys', 'tmp'];
  return [
    [
      ...directories.map((path): TarEntry => ({ path, type: 'directory' })),
      { path: 'bin/busybox', type: 'file', mode: 0o755, content: busybox },
      ...APPLETS.map((name): TarEntry => ({ path: `bin/${name}`, type: 'symlink', target: 'busybox' })),
      { path: 'etc/passwd', type: 'file', content: 'root:x:0:0:root:/:/bin/sh\n' },
      { path: 'data/a', type: 'file', content: 'a1' },
      { path: 'data/b', type: 'file', content: 'b1' },
      { path: 'data/deleted', type: 'file', content: 'never to be seen' },
      { path: 'gone/file', type: 'file', content: 'never to be seen' },
      { path: 'opaque/old', type: 'file', content: 'never to be seen' },
    ],
    [
      { path: 'data/a', type: 'file', content: 'a2' },
      { path: 'data/c', type: 'file', content: 'c2' },
      { path: 'data/.wh.deleted', type: 'file' },
    ],
    [
      { path: '.wh.gone', type: 'file' },
      { path: 'opaque/.wh..wh..opq', type: 'file' },
      { path: 'opaque/new', type: 'file', content: 'n3' },
      { path: 'data/.wh.b', type: 'file' },
    ],
    [
      { path: 'data/b', type: 'directory' },
      { path: 'data/b/inside', type: 'file', content: 'b4' },
      { path: 'data/c-too', type: 'hardlink', target: 'data/c' },
      { path: 'data/owned', type: 'file', mode: 0o4750, owner: 1000, content: 'o4' },
      { path: 'data/big', type: 'file', content: bigContent() },
    ],
  ];
}

/** Writes the image, as a tar of an OCI image layout, to `file`. */
export async function writeImage(file: string): Promise<void> {
  const blobs: TarEntry[] = [];
  const addBlob = (content: Buffer): { digest: string; size: number } => {
    const hash = sha256(content);
    blobs.push({ path: `blobs/sha256/${hash}`, type: 'file', content });
    return { digest: `sha256:${hash}`, size: content.length };
  };
  const addJson = (value: object): { digest: string; size: number } => addBlob(Buffer.from(JSON.stringify(value)));
  const descriptors: object[] = [];
  const diffIds: string[] = [];
  for (const entries of await layers()) {
    const tar = makeTar(entries);
    diffIds.push(`sha256:${sha256(tar)}`);
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';
    descriptors.push({ mediaType, ...addBlob(await promisify(gzip)(tar)) });
  }
  const platform = { architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux' };
  const config = addJson({
    ...platform,
    config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
  });
  const manifest = addJson({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: descriptors,
  });
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        ...manifest,
        platform,
        annotations: { 'io.containerd.image.name': IMAGE_NAME },
      },
    ],
  };
  const layout: TarEntry = { path: 'oci-layout', type: 'file', content: '{"imageLayoutVersion":"1.0.0"}' };
  await writeFile(
    file,
    makeTar([layout, { path: 'index.json', type: 'file', content: JSON.stringify(index) }, ...blobs]),
  );
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
