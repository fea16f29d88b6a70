// What every kind of volumes must do, run against each of them with real workers and real mounts. Needs root.
//
// Devices are numbered here as the catalog numbers them; each test has its own, and its base is made once for each file system.

import { readdir, readFile, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Place } from '../../../src/main/catalog/records.ts';
import { Gate } from '../../../src/main/lanes.ts';
import type { Mode } from '../../../src/main/volumes/volumes.ts';
import { FS_TYPES, type FsType } from '../../../src/shared/tasks.ts';
import { type Bytes, MIB, parseBytes } from '../../../src/shared/units.ts';
import { syncFileSystem, withMounted } from '../../support/mounting.ts';
import { deviceOf } from '../../support/records.ts';
import { withTimeout } from '../../support/with-timeout.ts';
import type { Opener, Subject } from './subject.ts';

const TEST_LIMIT_MS = 300_000;
const SIZE = parseBytes(64 * MIB);
/** xfs is not made any smaller. */
const XFS_SIZE = parseBytes(320 * MIB);
const SIDE_BY_SIDE = 12;

export function volumesSuite(name: string, opener: Opener): void {
  const tests = suite(`volumes: ${name}`);
  const stage = new Stage(opener);
  const test = (title: string, action: () => Promise<void>): void => {
    tests(title, () => withTimeout(action(), TEST_LIMIT_MS, title));
  };
  tests.after(async () => {
    await stage.end();
    await opener.discard();
  });
  test('they open', () => stage.begin());
  for (const fsType of FS_TYPES) fileSystem(test, stage, fsType);
  devices(test, stage);
  recovery(test, stage);
  test('nothing is left once every device was removed', () => stage.removeAll());
  tests.run();
}

type Test = (title: string, action: () => Promise<void>) => void;

class Stage {
  readonly #opener: Opener;
  readonly #devices = new Map<number, Device>();
  #subject: Subject | null = null;
  #lastId = 0;

  constructor(opener: Opener) {
    this.#opener = opener;
  }

  get subject(): Subject {
    if (this.#subject === null) throw new Error('The volumes were not opened');
    return this.#subject;
  }

  get volumes(): Subject['volumes'] {
    return this.subject.volumes;
  }

  get devices(): ReadonlyMap<Device['id'], Device> {
    return new Map([...this.#devices.values()].map((device) => [device.id, device]));
  }

  async begin(): Promise<void> {
    this.#subject = await this.#opener.open();
  }

  async end(): Promise<void> {
    await this.#subject?.close();
  }

  /** As when the daemon was killed: nothing is tidied up, and the next one looks at what is there. */
  async reopen(): Promise<Awaited<ReturnType<Subject['volumes']['recover']>>> {
    await this.subject.close();
    this.#subject = await this.#opener.open();
    return this.volumes.recover(this.devices, 'take-away');
  }

  newDevice(fsType: FsType, given: Partial<Device> = {}): Device {
    this.#lastId += 1;
    const place = this.#newPlace();
    const device = deviceOf(this.#lastId, { place, fsType, sizeBytes: sizeOf(fsType), ...given });
    this.#devices.set(device.id, device);
    return device;
  }

  /** The catalog, which knows what is taken, has none of these devices. */
  #newPlace(): Place {
    for (;;) {
      const place = this.volumes.newPlace();
      const isTaken = [...this.#devices.values()].some((device) => isDeepStrictEqual(device.place, place));
      if (place.kind !== 'thin' || !isTaken) return place;
    }
  }

  async base(fsType: FsType): Promise<Device> {
    for (const device of this.#devices.values()) {
      if (device.purpose.kind === 'base' && device.fsType === fsType) return device;
    }
    const device = this.newDevice(fsType, { purpose: { kind: 'base', fsOptions: [] } });
    const mappedBytes = await this.volumes.createBase(device);
    const made = { ...device, mappedBytes };
    this.#devices.set(device.id, made);
    return made;
  }

  async child(origin: Device, given: Partial<Device> = {}): Promise<Device> {
    const device = this.newDevice(origin.fsType, { originId: origin.id, sizeBytes: origin.sizeBytes, ...given });
    await this.volumes.createSnapshot(device, origin);
    return device;
  }

  mounted<T>(device: Device, mode: Mode, action: (dir: string) => Promise<T>): Promise<T> {
    return withMounted(this.subject.root, [this.volumes.mount(device, mode)], action);
  }

  forget(device: Device): void {
    this.#devices.delete(device.id);
  }

  async remove(device: Device): Promise<void> {
    await this.volumes.remove(device, new Gate(1));
    this.forget(device);
  }

  async removeAll(): Promise<void> {
    for (const device of [...this.#devices.values()].reverse()) await this.remove(device);
    assert.equal(await this.subject.left(), []);
  }
}

function sizeOf(fsType: FsType): Bytes {
  return fsType === 'xfs' ? XFS_SIZE : SIZE;
}

function fileSystem(test: Test, stage: Stage, fsType: FsType): void {
  test(`${fsType}: a snapshot of a base is an empty root of mode 0755`, async () => {
    const child = await stage.child(await stage.base(fsType));
    await stage.mounted(child, 'rw', async (dir) => {
      assert.equal(await readdir(dir), []);
      assert.is((await stat(dir)).mode & 0o777, 0o755);
    });
    await stage.remove(child);
  });

  test(`${fsType}: a snapshot has what its origin had, and neither sees what the other writes`, async () => {
    const parent = await stage.child(await stage.base(fsType));
    await stage.mounted(parent, 'rw', (dir) => writeFile(join(dir, 'file'), 'parent'));
    assert.not((await stage.volumes.seal(parent)).open);
    await stage.volumes.deactivate(parent);
    const [one, two] = [await stage.child(parent), await stage.child(parent)];
    // Both at once: the same file system, by its uuid, twice.
    await stage.mounted(one, 'rw', (first) =>
      stage.mounted(two, 'rw', async (second) => {
        await writeFile(join(first, 'file'), 'one');
        assert.is(await readFile(join(second, 'file'), 'utf8'), 'parent');
      }),
    );
    await stage.volumes.activate(parent, 'ro');
    await stage.mounted(parent, 'ro', async (dir) => {
      assert.is(await readFile(join(dir, 'file'), 'utf8'), 'parent');
      assert.match(String(await writeFile(join(dir, 'file'), 'x').catch((error: unknown) => error)), /EROFS/);
    });
    await stage.volumes.deactivate(parent);
    for (const device of [one, two, parent]) await stage.remove(device);
  });

  test(`${fsType}: a larger snapshot has the room`, async () => {
    const sizeBytes = parseBytes(2 * sizeOf(fsType));
    const child = await stage.child(await stage.base(fsType), { sizeBytes });
    await stage.mounted(child, 'rw', async (dir) => {
      const { blocks, bsize } = await statfs(dir);
      assert.ok(blocks * bsize > 1.5 * sizeOf(fsType), `${blocks * bsize} bytes`);
    });
    await stage.remove(child);
  });

  test(`${fsType}: a copy of a device in use has what was there, and the device goes on`, async () => {
    const origin = await stage.child(await stage.base(fsType));
    const copy = stage.newDevice(fsType, { originId: origin.id });
    await stage.mounted(origin, 'rw', async (dir) => {
      await writeFile(join(dir, 'before'), 'before');
      await syncFileSystem(dir);
      assert.ok((await stage.volumes.seal(origin)).open);
      assert.ok((await stage.volumes.snapshotInUse(copy, origin)) > 0);
      await writeFile(join(dir, 'after'), 'after');
    });
    await stage.volumes.activate(copy, 'ro');
    await stage.mounted(copy, 'ro', async (dir) => {
      assert.equal(await readdir(dir), ['before']);
      assert.is(await readFile(join(dir, 'before'), 'utf8'), 'before');
    });
    await stage.volumes.deactivate(copy);
    for (const device of [copy, origin]) await stage.remove(device);
  });
}

function devices(test: Test, stage: Stage): void {
  test('snapshots of one origin are made side by side', async () => {
    const base = await stage.base('ext4');
    const children = await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => stage.child(base)));
    assert.is(new Set(children.map((child) => stage.volumes.mount(child, 'rw').source)).size, SIDE_BY_SIDE);
    for (const child of children) await stage.mounted(child, 'rw', async () => undefined);
    await Promise.all(children.map((child) => stage.remove(child)));
  });

  test('what a device maps grows with what is written, and seal says the same', async () => {
    const child = await stage.child(await stage.base('ext4'));
    const before = await stage.volumes.mapped(child);
    await stage.mounted(child, 'rw', (dir) => writeFile(join(dir, 'file'), Buffer.alloc(8 * MIB, 1)));
    const { open, mappedBytes } = await stage.volumes.seal(child);
    assert.not(open);
    assert.ok(mappedBytes - before >= 8 * MIB, `${before}, then ${mappedBytes}`);
    assert.is(await stage.volumes.mapped(child), mappedBytes);
    await stage.remove(child);
  });

  test('activating, deactivating and removing again is as good as once', async () => {
    const child = await stage.child(await stage.base('ext4'));
    for (const mode of ['rw', 'rw', 'ro', 'ro'] as const) await stage.volumes.activate(child, mode);
    await stage.volumes.deactivate(child);
    await stage.volumes.deactivate(child);
    assert.is(stage.volumes.activity(child), 'none');
    await stage.remove(child);
    await stage.remove(child);
  });

  test('a device that was written to gives its space back', async () => {
    const base = await stage.base('ext4');
    const before = (await stage.volumes.refreshSpace()).data;
    assert.ok(before.usedBytes > 0 && before.usedBytes <= before.totalBytes);
    const child = await stage.child(base);
    await stage.mounted(child, 'rw', async (dir) => {
      await writeFile(join(dir, 'file'), Buffer.alloc(16 * MIB, 1));
      await syncFileSystem(dir);
      assert.ok((await stage.volumes.mapped(child)) >= 16 * MIB);
    });
    await stage.remove(child);
    const after = (await stage.volumes.refreshSpace()).data;
    // Others write to the file system of block files as well.
    assert.ok(after.usedBytes < before.usedBytes + 8 * MIB, `${before.usedBytes}, then ${after.usedBytes}`);
  });
}

function recovery(test: Test, stage: Stage): void {
  test('a start finds every device, with its contents, and takes away what has no record', async () => {
    const base = await stage.base('ext4');
    const [kept, lost] = [await stage.child(base), await stage.child(base)];
    await stage.mounted(kept, 'rw', (dir) => writeFile(join(dir, 'file'), 'kept'));
    stage.forget(lost);
    const found = await stage.reopen();
    assert.is(found.deactivated, 1);
    await stage.volumes.activate(kept, 'rw');
    await stage.mounted(kept, 'rw', async (dir) => assert.is(await readFile(join(dir, 'file'), 'utf8'), 'kept'));
    // Without its record it is the catalog's matter; here it is known again.
    await stage.volumes.remove(lost, new Gate(1));
    await stage.remove(kept);
  });

  test('a start lets go what a crash left suspended or frozen', async () => {
    const child = await stage.child(await stage.base('ext4'));
    await stage.mounted(child, 'rw', async (dir) => {
      await stage.subject.holdBack(stage.volumes.mount(child, 'rw').source, dir);
      const found = await stage.reopen();
      assert.is(found.resumed, 1);
      await writeFile(join(dir, 'file'), 'again');
      await syncFileSystem(dir);
    });
    await stage.remove(child);
  });
}
