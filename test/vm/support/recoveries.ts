// A daemon that is killed in the middle of something, and then a start, whose writes are written down from the kill on: what is half-made
// is deleted by it, the pool asked for its ids, and what was not answered asked for again.

import * as assert from 'uvu/assert';
import type { FailpointName } from '../../../src/shared/failpoint-names.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { until } from '../../support/until.ts';
import { agreedByAll, type Step } from './ledger.ts';
import { bySelf, takeAll } from './plays.ts';
import type { PowerRig } from './power-rig.ts';
import { inLife, type Marks, recordWrites, type Told } from './recording.ts';
import { LAYER, PROLOGUE } from './sequences.ts';

/** A place that is passed only once the step was answered. */
const DEATH_LIMIT_MS = 120_000;

export interface Kill {
  readonly place: FailpointName;
  /** In the middle of it, or soon after it was answered. */
  readonly step: Asked;
}

type Asked = Exclude<Step, { kind: 'Write' | 'Update' }>;

const MADE = 'made';
/** What is there before, unless the step is the first that the pool ever sees. */
const BEFORE: readonly Step[] = [
  ...PROLOGUE,
  { kind: 'Prepare', key: MADE, parent: LAYER },
  { kind: 'Write', key: MADE, file: 'of-made' },
];

const FIRST: Asked = { kind: 'Prepare', key: 'first', parent: '' };
const CHILD: Asked = { kind: 'Prepare', key: 'next', parent: LAYER };
const COMMIT: Asked = { kind: 'Commit', key: MADE, name: 'done' };
const REMOVE: Asked = { kind: 'Remove', key: MADE };

export const KILLS: readonly Kill[] = [
  ...killsIn(FIRST, ['create-base.sent', 'mkfs.made', 'create-base.committed', 'base.before-record', 'base.recorded']),
  ...killsIn(CHILD, ['make.intended', 'create-snap.sent', 'make.made', 'prepare.before-record', 'prepare.recorded']),
  ...killsIn({ kind: 'View', key: 'next', parent: LAYER }, ['view.activated', 'view.recorded']),
  ...killsIn(COMMIT, ['commit.sealed', 'commit.before-record', 'commit.recorded']),
  ...killsIn(REMOVE, ['remove.before-record', 'remove.recorded']),
  ...killsIn(REMOVE, ['reaper.before-remove', 'delete.sent', 'reaper.removed', 'reaper.recorded']),
];

function killsIn(step: Asked, places: readonly FailpointName[]): readonly Kill[] {
  return places.map((place) => ({ place, step }));
}

/** From the kill to the stop of the life that follows. */
export function recordRecovery(rig: PowerRig, kill: Kill): Promise<Told> {
  return recordWrites(rig, async (marks) => {
    if (kill.step !== FIRST) await fill(rig, marks);
    await die(rig, marks, kill);
    await marks.first();
    await inLife(rig, async (life) => {
      const { shared } = marks;
      const { pending } = shared.moment;
      const seen = agreedByAll(new Map([['', shared.moment]]), await life.list()).get('') ?? new Map();
      const isDone = seen !== shared.moment.state;
      // What was listed once does not go away again.
      await marks.next(bySelf, () => shared.settle(seen));
      if (pending !== null && !isDone) await takeAll(rig, life, { marks, steps: [pending] });
    });
  });
}

/** The state that every step but the first begins with. */
async function fill(rig: PowerRig, { shared }: Marks): Promise<void> {
  await inLife(rig, async (life) => {
    for (const step of BEFORE) {
      shared.begin(step);
      await rig.take(life, step);
      shared.done();
    }
  });
}

/** What was answered before the death is acknowledged, and nothing else. */
async function die(rig: PowerRig, { shared }: Marks, { place, step }: Kill): Promise<void> {
  const env = { THINSNAP_FAILPOINTS: `${place}=1*kill` };
  const daemon = await startDaemon({ config: { ...rig.daemonConfig, standby_per_parent: 0 }, env });
  try {
    shared.begin(step);
    // Without an answer it stays open; any other failure leaves the daemon alive, which is noticed next.
    await ask(daemon, step).then(
      () => shared.done(),
      () => undefined,
    );
    const gone = (): Promise<true | null> => Promise.resolve(daemon.runs ? null : true);
    await until(DEATH_LIMIT_MS, gone, () => `${place} is not passed`);
    assert.is(await daemon.forget(), 'SIGKILL');
  } finally {
    await daemon.remove();
  }
}

function ask({ client }: Daemon, step: Asked): Promise<unknown> {
  switch (step.kind) {
    case 'Prepare':
      return client.prepare(step.key, step.parent);
    case 'View':
      return client.view(step.key, step.parent);
    case 'Commit':
      return client.commit(step.name, step.key);
    case 'Remove':
      return client.remove(step.key);
  }
}
