// Numbers for new devices of a pool: round the whole range, so that one that was given back comes again as late as can be.

import { FaultError } from '../../../shared/faults.ts';
import { parseThinId, THIN_ID_MAX, type ThinId } from '../../../shared/units.ts';

export interface ThinIdsOptions {
  readonly poolName: string;
  /** Whether a thin id is spoken for: by a record, or by someone who was in the pool before us. */
  readonly isTaken: (thinId: ThinId) => boolean;
  /** New ids follow it. */
  readonly lastThinId: number;
}

export class ThinIds {
  readonly #options: ThinIdsOptions;
  #last: number;

  constructor(options: ThinIdsOptions) {
    this.#options = options;
    this.#last = options.lastThinId;
  }

  /** Fault `no-space` when every id is taken. */
  next(): ThinId {
    for (let tries = 0; tries < THIN_ID_MAX; tries += 1) {
      this.#last = (this.#last % THIN_ID_MAX) + 1;
      const thinId = parseThinId(this.#last);
      if (!this.#options.isTaken(thinId)) return thinId;
    }
    const { poolName } = this.#options;
    throw new FaultError('no-space', `Cannot make another device in pool ${poolName}: all thin ids are taken`);
  }
}
