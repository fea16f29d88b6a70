// A disk that fails or lies under the data, the metadata or the catalog of a daemon that works: what it cannot do is never answered as
// done, what is wrong is told, what has nothing to do with it stays whole, and once the disk is well a restart is the way out. After a
// disk that lied of the catalog or the metadata, something says so: no older state is taken for the newest.
//
// THINSNAP_DISK_ROUNDS: how often all cases run; without it a few are drawn.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SECTOR_BYTES } from '../../src/shared/units.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { codeOf } from '../support/grpc-client.ts';
import { problemsOf } from '../support/own-words.ts';
import { drawn } from '../support/random.ts';
import { until } from '../support/until.ts';
import type { CoreLife } from './support/core-life.ts';
import { thinPoolConfig } from './support/daemon.ts';
import { after, Ledger, type Moment, type State, type Step } from './support/ledger.ts';
import { toldOfLie } from './support/lies.ts';
import { MemoryDisk } from './support/memory-disk.ts';
import { POOL } from './support/pool.ts';
import { poolLine } from './support/pool-line.ts';
import { PowerRig } from './support/power-rig.ts';
import { LAYER, PROLOGUE } from './support/sequences.ts';
import { DISK_MIB, type DiskFault, type Slice } from './support/slices.ts';

const { THINSNAP_DISK_ROUNDS: wanted } = process.env;

interface Case {
  readonly slice: Slice;
  readonly fault: DiskFault;
  /** The steps that cannot be acknowledged. */
  readonly refused: readonly Step['kind'][];
  /** What `thinsnap status` must speak of. */
  readonly problem: RegExp;
  /** Whether everything that was acknowledged is there afterwards, or at least nothing is gone in silence. */
  readonly keeps: 'all' | 'no secret';
}

const CATALOG = ['Prepare', 'Commit', 'Update', 'Remove'] as const;
/** Of data the kernel tells who reads and writes them, and of a lie nobody before it is read again: a daemon cannot know. */
const NOTHING = /^$/;
const CATALOG_FAILS = { slice: 'state', refused: CATALOG, problem: /catalog-broken/, keeps: 'all' } as const;
const METADATA_FAIL = { slice: 'metadata', refused: ['Prepare'], problem: /pool-/, keeps: 'all' } as const;
const DATA_FAIL = { slice: 'data', refused: ['Write'], problem: NOTHING, keeps: 'all' } as const;
const LIE = { refused: [], problem: NOTHING } as const;
const CASES: readonly Case[] = [
  ...(['fails writes', 'fails everything', 'has a bad block'] as const).flatMap((fault) =>
    [CATALOG_FAILS, METADATA_FAIL].map((each) => ({ ...each, fault })),
  ),
  // A pool flushes its data before it commits its metadata: one that cannot is read-only from then on.
  { ...DATA_FAIL, fault: 'fails writes', problem: /pool-/ },
  // Here the flush goes well, and nobody tells the pool.
  { ...DATA_FAIL, fault: 'fails everything' },
  { ...DATA_FAIL, fault: 'has a bad block' },
  ...(['drops writes', 'writes a wrong byte'] as const).flatMap((fault) => [
    { ...LIE, slice: 'state', fault, keeps: 'no secret' } as const,
    { ...LIE, slice: 'metadata', fault, keeps: 'no secret' } as const,
    // The one that was written to may be damaged, it alone.
    { ...LIE, slice: 'data', fault, keeps: 'all' } as const,
  ]),
];
/** What is drawn of them, without THINSNAP_DISK_ROUNDS. */
const SAMPLE = '6';
const SEEN_LIMIT_MS = 30_000;
/** Each commit of a pool ends there. */
const SUPERBLOCK = 0;
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

/** Where a disk of one bad block has it, of the slice: where the next write goes. */
async function badSector({ slice, fault }: Case): Promise<number> {
  if (fault !== 'has a bad block') return 0;
  switch (slice) {
    case 'state':
      return rig.slices.logEnd();
    case 'metadata':
      return SUPERBLOCK;
    case 'data':
      return (await poolLine()).usedBytes / SECTOR_BYTES;
  }
}

async function tryCase(each: Case): Promise<void> {
  const { slice, fault, refused, problem, keeps } = each;
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
    await rig.slices.fail(disk.path, slice, { fault, badSector: await badSector(each) });
    seen = await takeAll(life, state);
    for (const kind of refused) assert.ok(seen.refused.includes(kind), `${kind} was acknowledged`);
    assert.match((await life.problems()).join(), problem);
    assert.ok(
      (await life.list()).some(({ key }) => key === LAYER),
      'it still answers',
    );
    // One that lied goes on until its power is off: what it says it kept is gone as a whole, which is harder to notice.
    if (keeps === 'all') await rig.slices.fail(disk.path, slice, null);
  } finally {
    await life.abandon();
    await rig.slices.abandon();
  }
  if (keeps === 'all') await lookAtAllBut('hit', seen.moments);
  else {
    seen.moments.delete('hit');
    process.stdout.write(`${slice} ${fault}: told by ${await toldOfLie(rig, disk.path, seen.moments)}\n`);
  }
}

/** What was written to may be damaged. */
async function lookAtAllBut(key: string, moments: Map<string, Moment>): Promise<void> {
  await rig.slices.open(disk.path, CHECK);
  const next = await rig.begin();
  await next.take({ kind: 'Remove', key });
  await next.close();
  await rig.slices.abandon();
  await rig.slices.open(disk.path);
  moments.delete(key);
  await rig.look(moments);
}

interface Process {
  readonly slice: Slice;
  readonly fault: DiskFault;
  /** What a Prepare answers on the disk that fails. */
  readonly code: string;
  readonly problem: RegExp;
  /** Whether a start on it serves. */
  readonly serves: boolean;
}

const PROCESSES: readonly Process[] = [
  { slice: 'state', fault: 'fails everything', code: 'UNAVAILABLE', problem: /catalog-broken/, serves: false },
  // Where nothing can be read either, a message fails, and the pool is not told before it has something to commit.
  { slice: 'metadata', fault: 'fails writes', code: 'UNAVAILABLE', problem: /pool-/, serves: false },
  { slice: 'data', fault: 'fails everything', code: 'OK', problem: NOTHING, serves: true },
];
const SAYS_WHY = /^thinsnapd: Cannot /;

function lastLine(log: string): string {
  return log.trim().split('\n').at(-1) ?? '';
}

/** The daemon looks every few seconds. */
function untilTold(daemon: Daemon, problem: RegExp): Promise<true> {
  let codes = '';
  const look = async (): Promise<true | null> => {
    codes = (await problemsOf(daemon)).join();
    return problem.test(codes) ? true : null;
  };
  return until(SEEN_LIMIT_MS, look, () => `status has ${codes}`);
}

/** One that cannot serve ends by itself, once. */
async function startAnew(daemon: Daemon, serves: boolean): Promise<void> {
  const started = await daemon.start().then(
    () => true,
    () => false,
  );
  assert.is(started, serves);
  if (started) return daemon.stop();
  assert.is(await daemon.forget(), '1');
  assert.match(lastLine(daemon.log), SAYS_WHY);
}

/** What a disk that fails is to the process: it goes on, stops when it is told to, and a start that cannot serve ends at once and says why. */
async function tryProcess({ slice, fault, code, problem, serves }: Process): Promise<void> {
  await rig.slices.open(disk.path);
  const config = { ...thinPoolConfig('ioctl'), pool_name: POOL, root_path: rig.slices.rootPath, standby_per_parent: 0 };
  const daemon = await startDaemon({ config: { ...config, base_image_size: '16MB' } });
  try {
    const { client } = daemon;
    await client.prepare('first');
    await client.commit('layer', 'first');
    await rig.slices.fail(disk.path, slice, { fault, badSector: 0 });
    assert.is(await codeOf(client.prepare('child', 'layer')), code);
    assert.ok(daemon.runs);
    await untilTold(daemon, problem);
    // Not well where its last words cannot be kept, and it says so.
    if ((await daemon.end('SIGTERM')) !== '0') assert.match(lastLine(daemon.log), SAYS_WHY);
    await startAnew(daemon, serves);
    await rig.slices.fail(disk.path, slice, null);
    await rig.slices.abandon();
    await rig.slices.open(disk.path, CHECK);
    await daemon.start();
    assert.is(await codeOf(daemon.client.prepare('again', 'layer')), 'OK');
    await daemon.stop();
  } finally {
    await daemon.remove();
  }
}

for (let round = 1; round <= Number(wanted ?? 1); round += 1) {
  const suffix = round === 1 ? '' : `, round ${round}`;
  for (const each of wanted === undefined ? drawn(CASES, SAMPLE) : CASES) {
    const { slice, fault, keeps } = each;
    const kept = keeps === 'all' ? 'costs nothing that was acknowledged' : 'is told of before anything it lost is used';
    tests(`a disk that ${fault} under the ${slice} ${kept}${suffix}`, () => tryCase(each));
  }
  for (const each of wanted === undefined ? drawn(PROCESSES, '1') : PROCESSES) {
    tests(`a daemon whose ${each.slice} fail lives or ends once, and says why${suffix}`, () => tryProcess(each));
  }
}

tests.run();
