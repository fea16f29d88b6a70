// Which plans are tried: a kill at every place, always; of everything else a number drawn anew in each run, or all of it.
// What was drawn is in a test's name, so that a failure can be tried again by THINSNAP_FAILPOINT_PLANS.

import { randomInt } from 'node:crypto';
import { partOf } from '../part.ts';
import { drawn } from '../random.ts';

const {
  THINSNAP_FAILPOINT_RUNS: runs = '1',
  THINSNAP_FAILPOINT_VM_RUNS: vmRuns = '1',
  THINSNAP_FAILPOINT_VM_PART: vmPart = '1/1',
  THINSNAP_FAILPOINT_VM_RECOVERIES: recoveries = '1',
  THINSNAP_FAILPOINT_PLANS: given,
} = process.env;

/** A place that is passed more often than this is passed in the same way. */
const PASSAGES_MAX = 150;
/** Lives of one chain. */
const CHAIN = 14;
/** The same of a sample. */
const SAMPLE_CHAIN = 8;
/** Places that fail in one life: far from one another, so that no step is refused too often. */
const TOGETHER = 5;
/** Places of a start between the second kill and the third. */
const THIRD_APART = 7;
/** Of what `all` does not have whole. */
const DRAWN_WITH_ALL = 30;
/** `|` parts the lives, a blank the trials. */
const LIVES_SEPARATOR = '|';
/** Nobody serves yet, or any more, who could be seen to hang. */
const NOBODY_WAITS =
  /^(?:start|stop|recover|pool|catalog)\.|^task\.(?:probe|fenceOrphans|thawFiles|listDevices|poolFacts|poolTag|poolThinIds|makeLoopFiles|assemblePool|resume)\./;
/** Passed by every start, so a kill there can follow a kill anywhere; but for the message that moves a pool's tag: it may be sent by then. */
const STARTS =
  /^(?:start|pool|recover)\.(?!database-beside|before-file|device)|^task\.(?:fenceOrphans|thawFiles|listDevices)\./;
/** What ends a thread ends the process on the main thread. */
const WORKERS =
  /^(?:file|remove-file|freeze|mkfs|device|create-snap|create-base|snap-active|seal|delete|discard|task)[.]/;

/** What must fail for the place to be passed at all. */
const FIRST: Readonly<Record<string, string>> = {
  'abandon.before-record': 'make.made=1*error;',
  'abandon.recorded': 'make.made=1*error;',
  // A committed device that stays open for writing.
  'create-snap.suspended': 'task.deactivate.begun=error(device-busy);',
};
/** Passed only by a start that finds what an earlier life left, or a test put there. */
const FOUND_AT_START = /^recover\.(?:before-file-removed|device-)|^task\.resume\./;

/** A death before it takes away what leads there: parents are warm in memory alone, and a round stops once. */
const ALONE = /^standby\.|^create-snap\.suspended|^stop\./;
/** Passed by each start, in the order of the list. */
const EACH_START =
  /^(?:start|catalog|pool)\.|^recover\.(?:begun|compared)|^task\.(?:fenceOrphans|thawFiles|probe|listDevices)/;
/** In which order a round comes to places, for those that it comes to early or late only; else that of the list. */
const ORDER: readonly RegExp[] = [
  /^start\.database-beside/,
  /^catalog\.file/,
  /^task\.poolThinIds/,
  /^catalog\.before-identity/,
  /^catalog\.after-identity|^task\.poolTag/,
  /^pool\.tag-sent/,
  /^pool\.tagged/,
  EACH_START,
  /^task\.createBase(?:File)?\.begun|^create-base\.sent/,
  /^create-base\.activated|^mkfs/,
  /^create-base\.(?:formatted|committed)/,
  /^create-base\.deactivated|^task\.createBase(?:File)?\.done/,
  /^base\.before/,
  /^base\./,
  /^file|^task\.copyFile/,
  /^make|^abandon|^prepare|^create-snap|^task\.createSnap|^device\.(?:created|loaded|resumed|linked)/,
  // Of what lies there without a record: block files have nothing there at first.
  /^recover/,
  /^seal|^task\.seal|^commit\.sealed/,
  /^commit\.before-record/,
  /^commit\.recorded/,
  /^task\.growThin/,
  /^task\.activate/,
  /^view/,
  /^update/,
  /^task\.(?:thinMapped|fileAllocated)/,
  /^snap-active|^task\.snapActive|^freeze|^task\.copyMountedFile/,
  /^commit\.copy-made/,
  /^commit\.copy-recorded/,
  /^reaper\.(?:before-)?deactivate|^device|^task\.(?!removeFile)|^delete|^discard/,
  /^remove\.before-view/,
  /^remove\.view/,
  /^reaper|^task\.removeFile|^remove-file/,
  /^remove/,
  /^cleanup/,
];

/**
 * What failed once, and is tried again each time: a worker that ended left a file system frozen; a stop that failed left the
 * process there.
 */
const FIXED: readonly Plans[] = ['freeze.frozen=1*exit', 'stop.begun=error', 'stop.part-closed=error'].map((plan) => ({
  lives: [plan],
}));

export interface Plans {
  /** One for each life. */
  readonly lives: readonly string[];
}

export function titleOf({ lives }: Plans): string {
  return lives.join(LIVES_SEPARATOR);
}

/**
 * Every place killed once, life after life in chains, and so many of each other kind; `all`: each place in a trial of its own, and
 * of each other kind whatever there is. `leaving`: a kill that leaves something for a start to find.
 */
export function plansFor(points: readonly string[], leaving: string): readonly Plans[] {
  if (given !== undefined) return given.split(' ').map(asGiven);
  const { kills, others } = candidates(points, leaving);
  if (runs === 'all') return [...kills, ...FIXED, ...others.flat()];
  return [...killsInChains(points, kills), ...FIXED, ...others.flatMap((kind) => drawn(kind, runs))];
}

/**
 * The same where a start takes long: so many chains of kills, life after life within one round, in the order in which the round
 * comes to their places; and as many of everything else, of each kind as likely as of any other. `all`: see `wholeSweep`.
 */
export function chainsFor(points: readonly string[], leaving: string): readonly Plans[] {
  if (given !== undefined) return given.split(' ').map(asGiven);
  if (vmRuns === 'all') return partOf(wholeSweep(points, leaving), vmPart);
  const number = Number(vmRuns);
  const { kills, others } = candidates(points, leaving);
  const kinds = [kills.filter((_, index) => isAlone(points[index] ?? '')), ...others];
  const inChains = points.filter((point) => !isAlone(point));
  return [...chained(drawn(inChains, String(number * SAMPLE_CHAIN)), points, inOneLife), ...drawnByKind(kinds, number)];
}

/**
 * Every place killed; every place killed, then the start after it, then the one after that; a fault from every place; then a
 * mistake and a hang at every place, one trial each, and some of what else there is.
 */
function wholeSweep(points: readonly string[], leaving: string): readonly Plans[] {
  const { kills, others, throws, hangs } = candidates(points, leaving);
  return [
    ...killsInChains(points, kills),
    ...Array.from({ length: Number(recoveries) }, (_, pass) => killsOfRecovery(points, pass)).flat(),
    ...faults(points.filter((point) => !FOUND_AT_START.test(point))),
    ...throws,
    ...hangs,
    ...drawnByKind(others, DRAWN_WITH_ALL),
  ];
}

/** Each place killed, and two starts after it, at other places of the start in each pass. */
function killsOfRecovery(points: readonly string[], pass: number): readonly Plans[] {
  const starts = points.filter((point) => STARTS.test(point));
  let turn = pass;
  const andItsRecovery = (plan: string): readonly string[] => {
    const [second, third] = [starts[turn % starts.length], starts[(turn + THIRD_APART) % starts.length]];
    turn += 1;
    return [plan, `${second}=1*kill`, `${third}=1*kill`];
  };
  const inChains = points.filter((point) => !isAlone(point));
  // A start that gets further leaves nothing of these to the lives that come after it.
  const once = inChains.filter((point) => isPassedOnce(point));
  return [
    ...chained(
      inChains.filter((point) => !isPassedOnce(point)),
      points,
      andItsRecovery,
    ),
    ...once.map((point) => ({ lives: andItsRecovery(`${point}=1*kill`) })),
  ];
}

/** By the first of all starts alone; on a thin pool some of these by each start that has none cut short before it. */
function isPassedOnce(point: string): boolean {
  const place = placeOf(point);
  return place >= 0 && place < ORDER.indexOf(EACH_START);
}

/** `kills`: the trial of one place, for each of `points`. */
function killsInChains(points: readonly string[], kills: readonly Plans[]): readonly Plans[] {
  return [
    ...chained(
      points.filter((point) => !isAlone(point)),
      points,
      inOneLife,
    ),
    ...kills.filter((_, index) => isAlone(points[index] ?? '')),
  ];
}

function isAlone(point: string): boolean {
  return FOUND_AT_START.test(point) || ALONE.test(point);
}

const inOneLife = (plan: string): readonly string[] => [plan];

/** Lives of kills, `livesOf` for each place. */
function chained(
  points: readonly string[],
  list: readonly string[],
  livesOf: (plan: string) => readonly string[],
): readonly Plans[] {
  const chains = Math.ceil(points.length / CHAIN);
  return Array.from({ length: chains }, (_item, chain) => {
    // Neighbours go to different chains: no step of a round is to die too often.
    const own = points.filter((_point, index) => index % chains === chain);
    return {
      lives: inOrder(own, list).flatMap((point) => livesOf(`${FIRST[point] ?? ''}${point}=1*kill`)),
    };
  });
}

/** A fault at each place once: alone where a start meets it, which may end by it or get over it, else several in one life. */
function faults(points: readonly string[]): readonly Plans[] {
  const plan = (point: string): string => `${FIRST[point] ?? ''}${point}=1*error`;
  const isAtStart = (point: string): boolean => NOBODY_WAITS.test(point) && !point.startsWith('stop.');
  const alone = points.filter((point) => isAtStart(point) || FIRST[point] !== undefined);
  const others = inOrder(
    points.filter((point) => !alone.includes(point)),
    points,
  );
  const sets = Math.ceil(others.length / TOGETHER);
  return [
    ...Array.from({ length: sets }, (_, set) => ({
      lives: [
        others
          .filter((_point, index) => index % sets === set)
          .map(plan)
          .join(';'),
      ],
    })),
    ...alone.map((point) => ({ lives: [plan(point)] })),
  ];
}

/** As the round comes to them. Sorting keeps the order of those that are equal. */
function inOrder(points: readonly string[], list: readonly string[]): readonly string[] {
  return list.filter((point) => points.includes(point)).toSorted((one, other) => placeOf(one) - placeOf(other));
}

function asGiven(text: string): Plans {
  return { lives: text.split(LIVES_SEPARATOR) };
}

interface Candidates {
  /** One for each place, in their order. */
  readonly kills: readonly Plans[];
  /** By their kind. */
  readonly others: readonly (readonly Plans[])[];
  /** Those of the others that are a mistake at each place once, or a hang. */
  readonly throws: readonly Plans[];
  readonly hangs: readonly Plans[];
}

function candidates(points: readonly string[], leaving: string): Candidates {
  const at =
    (terms: string) =>
    (point: string): Plans => {
      const plan = `${FIRST[point] ?? ''}${point}=${terms}`;
      return { lives: FOUND_AT_START.test(point) ? [leaving, plan] : [plan] };
    };
  const starts = points.filter((point) => STARTS.test(point));
  const later = points.filter((point) => !starts.includes(point) && !FOUND_AT_START.test(point));
  const waited = points.filter((point) => !NOBODY_WAITS.test(point));
  const workers = points.filter((point) => WORKERS.test(point));
  const kills = points.map(at('1*kill'));
  const throws = points.map(at('1*throw'));
  const hangs = waited.map(at('1*hang'));
  return {
    kills,
    throws,
    hangs,
    others: [
      points.map(at('1*error')),
      points.map(at('error')),
      points.map(at('1*error(unavailable)')),
      throws,
      hangs,
      waited.filter((point) => WORKERS.test(point)).map(at('1*spin')),
      workers.map(at('1*exit')),
      workers.map(at('1*abort')),
      workers.map(at('1*oom')),
      later.flatMap((point) => starts.map((start) => twice(at('1*kill')(point), start, starts))),
      passages('1*kill'),
      passages('1*error'),
      passages('error'),
    ],
  };
}

/** Killed again while it recovers, and a third time. */
function twice(first: Plans, start: string, starts: readonly string[]): Plans {
  const third = starts[randomInt(starts.length)] ?? start;
  return { lives: [...first.lives, `${start}=1*kill`, `${third}=1*kill`] };
}

/** The first passage of any place fails, then the second, then the third ... */
function passages(terms: string): readonly Plans[] {
  return Array.from({ length: PASSAGES_MAX }, (_, before) => ({
    lives: [before === 0 ? `*=${terms}` : `*=${before}*off->${terms}`],
  }));
}

/** Of each kind as likely as of any other. */
function drawnByKind(kinds: readonly (readonly Plans[])[], number: number): readonly Plans[] {
  return Array.from({ length: number }, () => drawn(kinds[randomInt(kinds.length)] ?? [], '1')).flat();
}

function placeOf(point: string): number {
  return ORDER.findIndex((pattern) => pattern.test(point));
}
