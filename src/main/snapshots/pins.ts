// Devices that calls in flight depend on and whose records do not say so yet: a child being made pins its origin, a
// view being made pins its parent's device. What is pinned is neither removed nor deactivated.

import type { DeviceId } from '../../shared/units.ts';

export class Pins {
  readonly #counts = new Map<DeviceId, number>();

  has(id: DeviceId): boolean {
    return this.#counts.has(id);
  }

  /** Pins the device until the function answered is called; calling it twice is as good as once. */
  pin(id: DeviceId): () => void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#counts.get(id) ?? 1) - 1;
      if (left === 0) this.#counts.delete(id);
      else this.#counts.set(id, left);
    };
  }
}
