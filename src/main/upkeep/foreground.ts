// Whether anyone waits for us right now. What nobody waits for (refilling, deleting) looks here first, and gives way: it
// shares the workers and the pool's lock with those who do.

export class Foreground {
  #running = 0;
  #waiting: (() => void)[] = [];

  /** Calls that wait for device work at this moment. */
  get size(): number {
    return this.#running;
  }

  /** Counts `action` as something that a client waits for. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await action();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#wake();
    }
  }

  /** Resolves when nobody waits, at the latest after `limitMs`. */
  async quiet(limitMs: number): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
