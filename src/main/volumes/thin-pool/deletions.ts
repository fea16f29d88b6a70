// Deletions of thin ids, several in one task. Each holds the pool's lock, so they go one after another in any case, and a
// trip to a worker with two looks at the pool costs more than most of them.

import { toError } from '../../../shared/faults.ts';
import type { PoolStatus } from '../../../shared/tasks.ts';
import type { ThinId } from '../../../shared/units.ts';
import { Gate } from '../../lanes.ts';
import type { TaskPool } from '../../task-pool.ts';

/** Of one task: it holds up creations between two of them only, but a sync Remove waits for all of its task. */
const BATCH_MAX = 16;
/** Tasks at a time: one more is ready when the other lets go of the pool's lock. */
const BATCHES_MAX = 2;

export interface DeletionsOptions {
  readonly tasks: Pick<TaskPool, 'run'>;
  readonly poolName: string;
  readonly poolTag: number | null;
  readonly onStatus: (status: PoolStatus) => void;
}

interface Waiting {
  readonly thinId: ThinId;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Deletions {
  readonly #options: DeletionsOptions;
  readonly #waiting: Waiting[] = [];
  readonly #gate = new Gate(BATCHES_MAX);

  constructor(options: DeletionsOptions) {
    this.#options = options;
  }

  /** Resolves once the pool has committed that the id is gone. Faults: those of the task `deleteThins`. */
  delete(thinId: ThinId): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ thinId, resolve, reject });
      // Whoever is let through first takes all that wait; the others find nothing left to do.
      void this.#gate.run(() => this.#deleteNext());
    });
  }

  /** Never rejects: each one's own fault, or what ended the task, goes to who waits for it. */
  async #deleteNext(): Promise<void> {
    const batch = this.#waiting.splice(0, BATCH_MAX);
    if (batch.length === 0) return;
    const { tasks, poolName: pool, poolTag, onStatus } = this.#options;
    try {
      const thinIds = batch.map(({ thinId }) => thinId);
      const { status, failed } = await tasks.run('deleteThins', { pool, poolTag, thinIds });
      onStatus(status);
      for (const { thinId, resolve, reject } of batch) {
        const fault = failed.get(thinId);
        if (fault === undefined) resolve();
        else reject(toError(fault));
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
