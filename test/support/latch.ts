// A promise that the test itself settles: it holds something up at a known place and lets it go on.

export class Latch {
  readonly opened: Promise<void>;
  readonly open: () => void;

  constructor() {
    let resolveOpened: () => void = () => undefined;
    this.opened = new Promise((resolve) => {
      resolveOpened = resolve;
    });
    this.open = () => resolveOpened();
  }
}

/** Lets everything that is ready to run do so, promises and immediates alike. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
}
