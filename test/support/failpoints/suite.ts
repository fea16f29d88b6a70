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
      assert.equal(notMet(plan, outcome.log), [], `lives ended by ${outcome.deaths.join()}`);
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

/** What was planned for one place and never came; a count of all places together may be more than there are. */
function notMet({ lives }: Plans, log: string): readonly string[] {
  const terms = lives.flatMap((plan) => plan.split(';')).filter((term) => !term.startsWith('*='));
  const planned = terms.map((term) => {
    const [, name = '', kind = ''] = /^([^=]+)=.*?([a-z]+)(?:\([^)]*\))?$/.exec(term) ?? [];
    return `THINSNAP_FAILPOINTS: ${kind} at ${name}\n`;
  });
  return planned.filter((line) => log.split(line).length <= planned.filter((each) => each === line).length);
}
