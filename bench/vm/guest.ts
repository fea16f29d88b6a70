// What runs inside the guest: every measurement of a plan, one side after the other, each on bare disks. What is measured
// is written to /mnt/out at once: what the guest's end takes away is only what had not been measured yet.
//
//   node guest.js PROGRAMS PLAN       the directory that bench/peer/build printed; a Plan as JSON

import { mkdir, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { type Load, measureBare, measureRace } from './measure.ts';
import { measureScale } from './measure-scale.ts';
import type { Plan } from './plan.ts';
import type { GuestResult, Measurement } from './results.ts';
import { STATE_DIR } from './stage.ts';

const OUT = '/mnt/out';

const [programs = '', planText = ''] = process.argv.slice(2);
// The one cast: the host's half of this program has just written it.
const plan = JSON.parse(planText) as Plan;
const measurements: Measurement[] = [];

async function record(measurement: Measurement): Promise<void> {
  measurements.push(measurement);
  const result: GuestResult = { guest: plan.guest, kernel: release(), measurements };
  await writeFile(join(OUT, 'result.json'), JSON.stringify(result));
}

// Where the daemon's support in the tests makes its directory.
Object.assign(process.env, { TMPDIR: STATE_DIR });
await mkdir(STATE_DIR, { recursive: true });
const load: Load = { programs, plan, record };
if (plan.kind === 'scale') {
  await measureScale(load);
} else {
  await measureBare(load);
  await measureRace(load);
}
