// Volumes without a device-mapper: a device is a sparse file with a file system, mounted with `loop`. Whoever mounts
// it sets the loop device up, so there is nothing to activate; a file that is in use can be removed all the same.

import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { failpoint } from '../../../shared/failpoints.ts';
import { FaultError, isFault } from '../../../shared/faults.ts';
import type { Bytes, DeviceId } from '../../../shared/units.ts';
import { type Device, isWritable, type Place } from '../../catalog/records.ts';
import type { TaskPool } from '../../task-pool.ts';
import { hostSpace } from '../host-space.ts';
import {
  type Activity,
  type Mode,
  type Mount,
  mountOptions,
  type Recovered,
  type Sealed,
  type Space,
  type UnknownFate,
  type Volumes,
  type VolumesFacts,
} from '../volumes.ts';
import { FileStockroom, OUR_FILES } from './file-stockroom.ts';

export interface BlockfileOptions {
  readonly tasks: TaskPool;
  /** Directory of the files. */
  readonly directory: string;
  readonly description: string;
  readonly mountOptions: readonly string[];
}

export class BlockfileVolumes implements Volumes {
  readonly kind = 'blockfile';
  readonly description: string;
  readonly faulty = new Set<DeviceId>();
  readonly stockroom: FileStockroom;
  readonly #options: BlockfileOptions;
  /** Block files are as large as their file system is. */
  readonly growth = null;
  readonly #writable = new Set<DeviceId>();
  #sharesBlocks = false;
  #space: Space = { data: { usedBytes: 0, totalBytes: 0 }, metadata: null };

  private constructor(options: BlockfileOptions) {
    this.#options = options;
    this.description = options.description;
    this.stockroom = new FileStockroom(options);
  }

  static async open(options: BlockfileOptions): Promise<BlockfileVolumes> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const volumes = new BlockfileVolumes(options);
    await volumes.refreshSpace();
    return volumes;
  }

  /** Whether there is a file of ours, whoever made it. */
  async hasFiles(): Promise<boolean> {
    return (await readdir(this.#options.directory)).some((file) => OUR_FILES.test(file));
  }

  get sharesBlocks(): boolean {
    return this.#sharesBlocks;
  }

  newPlace(): Place {
    return { kind: 'file' };
  }

  async createSnapshot(device: Device, origin: Device): Promise<void> {
    const growth =
      device.sizeBytes > origin.sizeBytes
        ? ({ kind: 'grow', fsType: device.fsType } as const)
        : ({ kind: 'same' } as const);
    const copied = await this.#options.tasks.run('copyFile', {
      from: this.#path(origin.id),
      to: this.#path(device.id),
      sizeBytes: device.sizeBytes,
      growth,
    });
    this.#sharesBlocks = copied.reflinked;
    this.#writable.add(device.id);
  }

  async createBase(device: Device): Promise<Bytes> {
    const options = device.purpose.kind === 'base' ? device.purpose.fsOptions : [];
    const made = await this.#options.tasks.run('createBaseFile', {
      path: this.#path(device.id),
      sizeBytes: device.sizeBytes,
      mkfs: { fsType: device.fsType, options },
    });
    return made.allocatedBytes;
  }

  async snapshotInUse(device: Device, origin: Device): Promise<Bytes> {
    const { tasks } = this.#options;
    const from = this.#path(origin.id);
    try {
      const to = this.#path(device.id);
      return (await tasks.run('copyMountedFile', { from, to, sizeBytes: device.sizeBytes })).allocatedBytes;
    } catch (error) {
      // The task thaws what it froze; but one whose worker ended in the middle has not, and who writes would wait for ever.
      if (isFault(error, 'unavailable')) await this.#thaw(from);
      throw error;
    }
  }

  activity(): Activity {
    return 'none';
  }

  async activate(): Promise<void> {}

  /** There is nothing to do, but it is committed by now. */
  async deactivate({ id }: Device): Promise<void> {
    this.#writable.delete(id);
  }

  mount(device: Device, mode: Mode): Mount {
    return {
      type: device.fsType,
      source: this.#path(device.id),
      options: ['loop', ...mountOptions(device, mode, this.#options.mountOptions)],
    };
  }

  async seal(device: Device): Promise<Sealed> {
    const sealed = await this.#options.tasks.run('sealFile', { path: this.#path(device.id) });
    await this.refreshSpace();
    return { open: sealed.open, mappedBytes: sealed.allocatedBytes };
  }

  async mapped(device: Device): Promise<Bytes> {
    return this.#options.tasks.run('fileAllocated', { path: this.#path(device.id) });
  }

  async remove(device: Device): Promise<void> {
    await this.#options.tasks.run('removeFile', { path: this.#path(device.id) });
    this.#writable.delete(device.id);
    this.faulty.delete(device.id);
  }

  get facts(): VolumesFacts {
    return { kind: 'blockfile', directory: this.#options.directory };
  }

  get space(): Space {
    return this.#space;
  }

  async refreshSpace(): Promise<Space> {
    const { totalBytes, freeBytes, isFull } = await hostSpace(this.#options.directory);
    this.#space = { data: { usedBytes: totalBytes - freeBytes, totalBytes }, metadata: null };
    if (isFull) for (const id of this.#writable) this.faulty.add(id);
    return this.#space;
  }

  /** Thaws what a crash left frozen in the middle of a commit; a file without a record was never acknowledged. */
  async recover(devices: ReadonlyMap<DeviceId, Device>, unknown: UnknownFate): Promise<Recovered> {
    const { tasks, directory } = this.#options;
    const known = new Set([...devices.keys()].map((id) => this.#path(id)));
    for (const { id, state } of devices.values()) {
      if (isWritable(state)) this.#writable.add(id);
      if (state === 'Faulty') this.faulty.add(id);
    }
    const thawed = await tasks.run('thawFiles', { paths: [...known] });
    let deactivated = 0;
    let kept = 0;
    for (const file of await readdir(directory)) {
      const path = join(directory, file);
      if (known.has(path) || !OUR_FILES.test(file)) continue;
      if (unknown === 'keep') {
        kept += 1;
        continue;
      }
      await failpoint('recover.before-file-removed');
      await tasks.run('removeFile', { path });
      deactivated += 1;
    }
    return { resumed: thawed.length, deactivated, kept };
  }

  /** What fails here is done by the next start. */
  async #thaw(path: string): Promise<void> {
    try {
      await this.#options.tasks.run('thawFiles', { paths: [path] });
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
  }

  #path(id: DeviceId): string {
    return join(this.#options.directory, `${id}.img`);
  }
}
