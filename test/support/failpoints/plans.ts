// Which plans are tried: a kill at every place, always; of everything else a number drawn anew in each run, or all of it.
// What was drawn is in a test's name, so that a failure can be tried again by THINSNAP_FAILPOINT_PLANS.

import { randomInt } from 'node:crypto';

const {
  THINSNAP_FAILPOINT_RUNS: runs = '1',
  THINSNAP_FAILPOINT_VM_RUNS: vmRuns = '1',
  THINSNAP_FAILPOINT_PLANS: given,
} = process.env;

/** A place that is passed more often than this is passed in the same way. */
const PASSAGES_MAX = 150;
/** Lives of one chain. */
const CHAIN = 8;
/** `|` parts the lives. */
const LIVES_SEPARATOR = '|';
/** Nobody serves yet, or any more, who could be seen to hang. */
const NOBODY_WAITS =
  /^(?:start|stop|recover|pool|catalog)\.|^task\.(?:probe|thawFiles|listDevices|poolFacts|poolTag|poolThinIds|makeLoopFiles|assemblePool|resume)\./;
/** Passed by every start, so a kill there can follow a kill anywhere. */
const STARTS = /^(?:start|recover)\.(?!before-file|device)|^task\.(?:thawFiles|listDevices)\./;
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
/** In which order a round comes to places, for those that it comes to early or late only; else that of the list. */
const ORDER: readonly RegExp[] = [
  /^catalog\.file/,
  /^task\.poolThinIds/,
  /^catalog\.before-identity/,
  /^catalog\.after-identity|^task\.poolTag/,
  /^pool\.tag-sent/,
  /^pool\.tagged/,
  /^(?:start|recover|catalog|pool)\./,
  /^task\.createBase\.begun|^create-base\.sent/,
  /^create-base\.activated|^mkfs/,
  /^create-base\.(?:formatted|committed)/,
  /^create-base\.deactivated|^task\.createBase\.done/,
  /^base\.before/,
  /^base\./,
  /^make|^abandon|^prepare|^create-snap|^task\.createSnap|^device\.(?:created|loaded|resumed|linked)/,
  /^seal|^task\.sealThin|^commit\.sealed/,
  /^commit\.before-record/,
  /^commit\.recorded/,
  /^task\.growThin/,
  /^task\.activate/,
  /^view/,
  /^update/,
  /^task\.thinMapped/,
  /^snap-active|^task\.snapActive/,
  /^commit\.copy-made/,
  /^commit\.copy-recorded/,
  /^reaper|^device|^task|^delete|^discard/,
  /^remove\.before-view/,
  /^remove\.view/,
  /^remove/,
  /^cleanup/,
];

/**
 * What failed once, and is tried again each time: a worker that ended left a file system frozen; a stop that failed left the
 * process there.
 */
const FIXED: readonly Plans[] = ['freeze.frozen=1*exit', 'stop.begun=error', 'stop.part-closed=error'].map((plan) => ({
  lives: [plan],
  kills: false,
}));

export interface Plans {
  /** One for each life. */
  readonly lives: readonly string[];
  /** All of them must end a life by SIGKILL. */
  readonly kills: boolean;
}

export function titleOf({ lives }: Plans): string {
  return lives.join(LIVES_SEPARATOR);
}

/** Every place killed once, and so many of each other kind. `leaving`: a kill that leaves something for a start to find. */
export function plansFor(points: readonly string[], leaving: string): readonly Plans[] {
  if (given !== undefined) return [asGiven(given)];
  const { kills, others } = candidates(points, leaving);
  const atMost = runs === 'all' ? Number.POSITIVE_INFINITY : Number(runs);
  return [...kills, ...FIXED, ...others.flatMap((kind) => drawn(kind, atMost))];
}

/**
 * The same where a start takes long: so many chains of kills, life after life within one round, in the order in which the round
 * comes to their places; and as many of everything else, of each kind as likely as of any other.
 */
export function chainsFor(points: readonly string[], leaving: string): readonly Plans[] {
  if (given !== undefined) return [asGiven(given)];
  const alone = (point: string): boolean => FOUND_AT_START.test(point) || ALONE.test(point);
  const number = Number(vmRuns);
  const { kills, others } = candidates(points, leaving);
  const kinds = [kills.filter((_, index) => alone(points[index] ?? '')), ...others];
  const inChains = points.filter((point) => !alone(point));
  return [
    ...chained(drawn(inChains, number * CHAIN), points),
    ...Array.from({ length: number }, () => drawn(kinds[randomInt(kinds.length)] ?? [], 1)).flat(),
  ];
}

function chained(points: readonly string[], list: readonly string[]): readonly Plans[] {
  return Array.from({ length: Math.ceil(points.length / CHAIN) }, (_, index) => {
    const own = points.slice(index * CHAIN, (index + 1) * CHAIN);
    // Sorting keeps the order of those that are equal.
    const inOrder = list.filter((point) => own.includes(point)).toSorted((one, other) => placeOf(one) - placeOf(other));
    return { lives: inOrder.map((point) => `${FIRST[point] ?? ''}${point}=1*kill`), kills: true };
  });
}

function asGiven(text: string): Plans {
  return { lives: text.split(LIVES_SEPARATOR), kills: false };
}

interface Candidates {
  /** One for each place, in their order. */
  readonly kills: readonly Plans[];
  /** By their kind. */
  readonly others: readonly (readonly Plans[])[];
}

function candidates(points: readonly string[], leaving: string): Candidates {
  const at =
    (terms: string) =>
    (point: string): Plans => {
      const plan = `${FIRST[point] ?? ''}${point}=${terms}`;
      return { lives: FOUND_AT_START.test(point) ? [leaving, plan] : [plan], kills: terms.endsWith('kill') };
    };
  const starts = points.filter((point) => STARTS.test(point));
  const later = points.filter((point) => !starts.includes(point) && !FOUND_AT_START.test(point));
  const waited = points.filter((point) => !NOBODY_WAITS.test(point));
  const workers = points.filter((point) => WORKERS.test(point));
  const kills = points.map(at('1*kill'));
  return {
    kills,
    others: [
      points.map(at('1*error')),
      points.map(at('error')),
      points.map(at('1*error(unavailable)')),
      points.map(at('1*throw')),
      waited.map(at('1*hang')),
      waited.filter((point) => WORKERS.test(point)).map(at('1*spin')),
      workers.map(at('1*exit')),
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
  return { lives: [...first.lives, `${start}=1*kill`, `${third}=1*kill`], kills: false };
}

/** The first passage of any place fails, then the second, then the third ... */
function passages(terms: string): readonly Plans[] {
  return Array.from({ length: PASSAGES_MAX }, (_, before) => ({
    lives: [before === 0 ? `*=${terms}` : `*=${before}*off->${terms}`],
    kills: false,
  }));
}

function drawn<Each>(plans: readonly Each[], atMost: number): readonly Each[] {
  const left = [...plans];
  return Array.from({ length: Math.min(plans.length, atMost) }, () => left.splice(randomInt(left.length), 1)).flat();
}

function placeOf(point: string): number {
  return ORDER.findIndex((pattern) => pattern.test(point));
}
