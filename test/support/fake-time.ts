// Time that passes when the test says so: timers and performance.now().

import { mock } from 'node:test';
import { settled } from './latch.ts';

/** Lets so much time pass, and then what came due, down to the last promise. */
type Pass = (ms: number) => Promise<void>;

export async function withFakeTime(action: (pass: Pass, nowMs: () => number) => Promise<void>): Promise<void> {
  let passedMs = 0;
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  Object.defineProperty(performance, 'now', { value: () => passedMs, configurable: true });
  try {
    const pass: Pass = async (ms) => {
      passedMs += ms;
      mock.timers.tick(ms);
      await settled();
    };
    await action(pass, () => passedMs);
  } finally {
    Reflect.deleteProperty(performance, 'now');
    mock.timers.reset();
  }
}
