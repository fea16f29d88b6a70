// Growth of nothing: the figures become what was asked for, as long as there is room.

import type { Autoextend } from '../../src/main/config/autoextend.ts';
import type { Growth, Space } from '../../src/main/volumes/volumes.ts';
import { FaultError } from '../../src/shared/faults.ts';
import type { WantedSizes } from '../../src/shared/pool-makeup.ts';
import type { PoolRoom } from '../../src/shared/tasks.ts';
import { parseBytes } from '../../src/shared/units.ts';
import type { FakeVolumes } from './fake-volumes.ts';

export class FakeGrowth implements Growth {
  policy: Autoextend = { thresholdPercent: 80, percent: 20 };
  readonly blockBytes = 1;
  roomBytes: number;
  /** What each extension fails with; null: it does not. */
  failure: string | null;
  readonly asked: WantedSizes[] = [];
  /** What each attempt waits for. */
  before: () => Promise<void> = async () => undefined;
  /** Attempts, whatever became of them. */
  attempts = 0;
  readonly #volumes: FakeVolumes;

  constructor(volumes: FakeVolumes, { roomBytes, failure }: { roomBytes: number; failure: string | null }) {
    this.#volumes = volumes;
    this.roomBytes = roomBytes;
    this.failure = failure;
  }

  async room(): Promise<PoolRoom> {
    this.attempts += 1;
    await this.before();
    if (this.failure !== null) throw new FaultError('io', this.failure);
    return { freeBytes: parseBytes(this.roomBytes), limit: 'nothing is left', advice: 'Make room on the host' };
  }

  async extend(wanted: WantedSizes): Promise<Space> {
    this.asked.push(wanted);
    const { data, metadata } = this.#volumes.space;
    const grown = (total: number, size: number | null): number => Math.max(total, size ?? 0);
    this.roomBytes -= grown(data.totalBytes, wanted.dataBytes) - data.totalBytes;
    this.#volumes.space = {
      data: { ...data, totalBytes: grown(data.totalBytes, wanted.dataBytes) },
      metadata:
        metadata === null ? null : { ...metadata, totalBytes: grown(metadata.totalBytes, wanted.metadataBytes) },
    };
    return this.#volumes.space;
  }
}
