// What order costs: a lane for a moment, many at once, one that others wait in, and two taken together.

import { Lanes } from '../../src/main/lanes.ts';
import { runBench } from './run-bench.ts';

const CALLS = 64;

const lanes = new Lanes();
const nothing = async (): Promise<void> => undefined;

function together(run: (number: number) => Promise<void>): () => Promise<unknown> {
  return () => Promise.all(Array.from({ length: CALLS }, (_, number) => run(number)));
}

await runBench({
  'one call in a lane of its own': () => lanes.run('lane', nothing),
  [`${CALLS} calls, a lane each`]: together((number) => lanes.run(`lane ${number}`, nothing)),
  [`${CALLS} calls in one lane`]: together(() => lanes.run('lane', nothing)),
  'one call in two lanes': () => lanes.runAll(['lane b', 'lane a'], nothing),
});
