// A disk that fails or lies under the data, the metadata or the catalog of a daemon that works: what it cannot do is never answered as
// done, what is wrong is told, what has nothing to do with it stays whole, and once the disk is well a restart is the way out.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CoreLife } from './support/core-life.ts';
import { after, Ledger, type Moment, type State, type Step } from './support/ledger.ts';
import { MemoryDisk } from './support/memory-disk.ts';
import { PowerRig } from './support/power-rig.ts';
import { LAYER, PROLOGUE } from './support/sequences.ts';
import { DISK_MIB, type DiskFault, type Slice } from './support/slices.ts';

interface Case {
  readonly slice: Slice;
  readonly fault: DiskFault;
  /** The steps that cannot be acknowledged. */
  readonly refused: readonly Step['kind'][];
  /** What `thinsnap status` must speak of. */
  readonly problem: RegExp;
}

const CATALOG = ['Prepare', 'Commit', 'Update', 'Remove'] as const;
const CASES: readonly Case[] = [
  { slice: 'state', fault: 'fails writes', refused: CATALOG, problem: /catalog-broken/ },
  { slice: 'state', fault: 'fails everything', refused: CATALOG, problem: /catalog-broken/ },
  { slice: 'metadata', fault: 'fails everything', refused: ['Prepare'], problem: /pool-/ },
  { slice: 'data', fault: 'fails writes', refused: ['Write'], problem: /^/ },
  { slice: 'data', fault: 'fails everything', refused: ['Write'], problem: /^/ },
  { slice: 'data', fault: 'drops writes', refused: [], problem: /^$/ },
  { slice: 'data', fault: 'writes a wrong byte', refused: [], problem: /^$/ },
];
/** What the refusal of a pool that the kernel marked says is to be run. */
const CHECK = 'thin_check --clear-needs-check-flag';

/** What is there when the disk goes bad: `hit` is written to meanwhile. */
const BEFORE: readonly Step[] = [
  { kind: 'Prepare', key: 'hit', parent: LAYER },
  { kind: 'Prepare', key: 'whole', parent: LAYER },
  { kind: 'Write', key: 'whole', file: 'of-whole' },
  { kind: 'Prepare', key: 'gone', parent: LAYER },
];
/** Each by a client of its own, named after its key. */
const MEANWHILE: readonly Step[] = [
  { kind: 'Write', key: 'hit', file: 'of-hit' },
  { kind: 'Prepare', key: 'child', parent: LAYER },
  { kind: 'Commit', key: 'whole', name: 'whole-done' },
  { kind: 'Update', key: LAYER, label: 'changed' },
  { kind: 'Remove', key: 'gone' },
];

const tests = suite('failing disks');
let rig: PowerRig;
let disk: MemoryDisk;

tests.before(async () => {
  // What stands ready was made while the disk was well, and can be given out all the same.
  rig = await PowerRig.open({ standbyPerParent: 0 });
});
tests.after(() => rig.close());
tests.before.each(async () => {
  disk = await MemoryDisk.make(DISK_MIB);
  await rig.slices.format(disk.path);
});
tests.after.each(async () => {
  await rig.slices.abandon();
  await disk.remove();
});

async function take(life: CoreLife, step: Step): Promise<void> {
  if (step.kind === 'Write') await rig.put(await life.mountOf(step.key), step);
  else await life.take(step);
}

/** Every step of a disk that is bad: what was answered, and what is left open. */
async function takeAll(
  life: CoreLife,
  state: State,
): Promise<{ moments: Map<string, Moment>; refused: readonly Step['kind'][] }> {
  const moments = new Map<string, Moment>();
  const refused: Step['kind'][] = [];
  for (const step of MEANWHILE) {
    const own = new Map([...state].filter(([key]) => key === step.key));
    const ledger = new Ledger();
    ledger.settle(own);
    ledger.begin(step);
    try {
      await take(life, step);
      ledger.done(state);
    } catch {
      refused.push(step.kind);
    }
    moments.set(step.key, ledger.moment);
  }
  return { moments, refused };
}

async function tryCase({ slice, fault, refused, problem }: Case): Promise<void> {
  await rig.slices.open(disk.path);
  const life = await rig.begin();
  let state: State = new Map();
  let seen: Awaited<ReturnType<typeof takeAll>>;
  try {
    for (const step of [...PROLOGUE, ...BEFORE]) {
      await take(life, step);
      state = after(state, step);
    }
    await life.quiet();
    await rig.slices.fail(disk.path, slice, fault);
    seen = await takeAll(life, state);
    for (const kind of refused) assert.ok(seen.refused.includes(kind), `${kind} was acknowledged`);
    assert.match((await life.problems()).join(), problem);
    assert.ok(
      (await life.list()).some(({ key }) => key === LAYER),
      'it still answers',
    );
    await rig.slices.fail(disk.path, slice, null);
  } finally {
    await life.abandon();
    await rig.slices.abandon();
  }
  // The one that was written to may be damaged: it alone.
  await rig.slices.open(disk.path, CHECK);
  const next = await rig.begin();
  await next.take({ kind: 'Remove', key: 'hit' });
  await next.close();
  await rig.slices.abandon();
  await rig.slices.open(disk.path);
  seen.moments.delete('hit');
  await rig.look(seen.moments);
}

for (const each of CASES) {
  tests(`a disk that ${each.fault} under the ${each.slice} costs nothing that was acknowledged`, () => tryCase(each));
}

tests.run();
