// One test for each plan. Several run at a time: most of a trial is waiting for processes to start.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Gate } from '../../../src/main/lanes.ts';
import { asRootWith } from '../requirements.ts';
import { type Plans, titleOf } from './plans.ts';
import { type Ground, type Trial, tryPlans } from './trial.ts';

export function failpointSuite(ground: Ground, plans: readonly Plans[], trialsAtOnce: number): void {
  const gate = new Gate(trialsAtOnce);
  const asRoot = asRootWith(test, 'losetup', 'fsfreeze');
  for (const plan of plans) {
    const trial = asRoot === test ? gate.run(() => tried(ground, plan)) : null;
    asRoot(`nothing is lost or left by ${titleOf(plan)}`, async () => {
      const { outcome } = (await trial) ?? { outcome: new Error('It was not tried') };
      if (outcome instanceof Error) throw outcome;
      const killed = outcome.deaths.filter((death) => death === 'SIGKILL').length;
      if (plan.kills) assert.is(killed, plan.lives.length, `${titleOf(plan)} was not passed: ${outcome.deaths.join()}`);
    });
  }
  test.run();
}

/** What fails waits for its own test to tell of it. */
async function tried(ground: Ground, { lives }: Plans): Promise<{ readonly outcome: Trial | Error }> {
  try {
    return { outcome: await tryPlans(ground, lives) };
  } catch (error) {
    return { outcome: error instanceof Error ? error : new Error(String(error)) };
  }
}
