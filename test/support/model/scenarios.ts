// Random scenarios: what eight clients do, what goes wrong, and in which order everything goes on. Few keys, so that the
// clients are in each other's way.

import fc from 'fast-check';
import type { StandbyLimits } from '../../../src/main/upkeep/standby.ts';
import type { Call, LabelRecord, SnapshotKind } from './calls.ts';
import type { Settings } from './life.ts';
import type { StepFailure, Trouble } from './troubles.ts';

export const CLIENTS = 8;
export const KEYS = ['k1', 'k2', 'k3', 'k4', 'k5'];
const NAMES = ['n1', 'n2', 'n3'];
const ACTIONS_MAX = 72;
const EVENTS_MAX = 10;
const TROUBLES_MAX = 4;
const TROUBLE_STEPS_MAX = 300;
/** When nature comes: most runs end soon after. */
const EVENT_STEPS_MAX = 250;
const CHOICES_MAX = 700;
/** Stands for a value of 4,096 bytes, which a failure need not show in full. */
const TOO_LONG = '(4096 bytes)';

/** Which of the snapshots that are there a call is about; where there is none such, it keeps to the key that it has. */
export interface Aim {
  readonly kind: SnapshotKind;
  readonly nth: number;
}

export type Action =
  | { readonly kind: 'call'; readonly call: Call; readonly aim: Aim | null }
  /** Asks for the mounts of a snapshot, opens its device, writes once where it can, and leaves it open. */
  | { readonly kind: 'open'; readonly key: string; readonly aim: Aim | null }
  | { readonly kind: 'write' | 'close' };

export type Happening =
  | 'kill'
  | 'reboot'
  | 'restart'
  /** The pool is nearly full, or no longer. */
  | 'fill'
  | 'drain'
  /** Enough for a plan of the standby, or for all that waits for its time. */
  | 'a-moment'
  | 'an-age'
  | 'disk-fails'
  | 'disk-fails-late'
  | 'foreign-id'
  /** Of the calls in flight. */
  | 'time-limit'
  | 'mend';

export interface Event {
  readonly happening: Happening;
  /** After this many steps of the world. */
  readonly at: number;
}

export interface Scenario {
  readonly actions: readonly { readonly client: number; readonly action: Action }[];
  readonly nature: readonly Event[];
  readonly troubles: readonly Trouble[];
  readonly settings: Settings;
  /** The first client has committed a layer before the others begin. */
  readonly warm: boolean;
  readonly choices: readonly number[];
}

const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 1, arbitrary: fc.constantFrom(...NAMES) },
);
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.constantFrom(...KEYS) },
);
const anyName = fc.constantFrom(...KEYS, ...NAMES);
const parent = fc.oneof({ weight: 5, arbitrary: name }, { weight: 1, arbitrary: key });

/** The call as it is sent. */
export function inFull(call: Call): Call {
  if (!('labels' in call)) return call;
  const { long } = call.labels;
  if (long !== TOO_LONG) return call;
  return { ...call, labels: { ...call.labels, long: 'x'.repeat(4096) } };
}

const fewLabels: fc.Arbitrary<LabelRecord> = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('', '1', '2'), {
  maxKeys: 2,
  noNullPrototype: true,
});
const labels: fc.Arbitrary<LabelRecord> = fc.oneof(
  { weight: 20, arbitrary: fewLabels },
  {
    weight: 2,
    arbitrary: fc.constantFrom('ext4', 'xfs').map((fsType) => ({ 'containerd.io/snapshot/devmapper/fstype': fsType })),
  },
  { weight: 1, arbitrary: fc.constant({ long: TOO_LONG }) },
);
const paths = fc.oneof(
  { weight: 10, arbitrary: fc.uniqueArray(fc.constantFrom('labels.a', 'labels.b', 'labels'), { maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constantFrom(['parent'], ['labels.a', 'kind'], ['name']) },
);

/** As literals are, with a prototype: that is how they read best in a failure. */
function plain<Fields extends object>(fields: { [Field in keyof Fields]: fc.Arbitrary<Fields[Field]> }) {
  return fc.record<Fields>(fields, { noNullPrototype: true });
}

/** Most calls are about what is there: else nearly all of them would answer that there is nothing. */
function aimed(kinds: readonly SnapshotKind[]): fc.Arbitrary<Aim | null> {
  const aim = plain({ kind: fc.constantFrom(...kinds), nth: fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3) });
  return fc.oneof({ weight: 5, arbitrary: aim }, { weight: 1, arbitrary: fc.constant(null) });
}

function asked(call: fc.Arbitrary<Call>, aim: fc.Arbitrary<Aim | null>): fc.Arbitrary<Action> {
  return plain({ kind: fc.constant('call' as const), call, aim });
}

const newKind = fc.constantFrom('Prepare' as const, 'Prepare' as const, 'View' as const);
const ANY: readonly SnapshotKind[] = ['active', 'view', 'committed'];
const REMOVED: readonly SnapshotKind[] = ['active', 'active', 'view', 'view', 'committed'];
const nothing = fc.constant(null);
const action = fc.oneof<fc.WeightedArbitrary<Action>[]>(
  { weight: 6, arbitrary: asked(plain({ kind: newKind, key, parent: fc.constant(''), labels }), nothing) },
  // The aim of these is their parent.
  { weight: 20, arbitrary: asked(plain({ kind: newKind, key, parent, labels }), aimed(['committed'])) },
  {
    weight: 8,
    arbitrary: asked(
      plain({ kind: fc.constant('Commit' as const), key, name, labels, parent: rebase() }),
      aimed(['active', 'active', 'active', 'view']),
    ),
  },
  { weight: 8, arbitrary: asked(plain({ kind: fc.constant('Remove' as const), key: anyName }), aimed(REMOVED)) },
  { weight: 2, arbitrary: asked(plain({ kind: fc.constant('Mounts' as const), key: anyName }), aimed(ANY)) },
  { weight: 2, arbitrary: asked(plain({ kind: fc.constant('Stat' as const), key: anyName }), aimed(ANY)) },
  { weight: 3, arbitrary: asked(plain({ kind: fc.constant('Usage' as const), key: anyName }), aimed(ANY)) },
  {
    weight: 3,
    arbitrary: asked(plain({ kind: fc.constant('Update' as const), key: anyName, labels, paths }), aimed(ANY)),
  },
  {
    weight: 2,
    arbitrary: asked(
      plain({ kind: fc.constant('List' as const), only: fc.constantFrom('all' as const, ...ANY) }),
      nothing,
    ),
  },
  { weight: 1, arbitrary: asked(plain({ kind: fc.constant('Cleanup' as const) }), nothing) },
  {
    weight: 7,
    arbitrary: plain({ kind: fc.constant('open' as const), key: anyName, aim: aimed(['active', 'active', 'view']) }),
  },
  { weight: 3, arbitrary: plain({ kind: fc.constant('write' as const) }) },
  { weight: 3, arbitrary: plain({ kind: fc.constant('close' as const) }) },
);

function rebase(): fc.Arbitrary<string> {
  return fc.oneof({ weight: 12, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom(...NAMES) });
}

function eventOf(...weighted: readonly fc.WeightedArbitrary<Happening>[]): fc.Arbitrary<Event> {
  return plain({ happening: fc.oneof(...weighted), at: fc.nat({ max: EVENT_STEPS_MAX }) });
}

const CALM: readonly fc.WeightedArbitrary<Happening>[] = [
  { weight: 2, arbitrary: fc.constant('restart') },
  { weight: 9, arbitrary: fc.constant('a-moment') },
  { weight: 2, arbitrary: fc.constant('an-age') },
  { weight: 2, arbitrary: fc.constantFrom('fill', 'drain') },
];
// An id that somebody makes behind our back, in the moment between our record of it and a failure of ours, is taken
// for ours and deleted: what is in the pool does not say whose it is. So that comes in the calm only.
const calmEvent = eventOf(...CALM, { weight: 2, arbitrary: fc.constant('foreign-id') });
const roughEvent = eventOf(
  ...CALM,
  { weight: 4, arbitrary: fc.constant('kill') },
  { weight: 2, arbitrary: fc.constant('reboot') },
  { weight: 2, arbitrary: fc.constantFrom('disk-fails', 'disk-fails-late', 'mend') },
  { weight: 2, arbitrary: fc.constant('time-limit') },
);

const FAILURES: readonly StepFailure[] = ['io', 'device-busy', 'no-space', 'thin-id-taken', 'pool-unsound'];

const trouble: fc.Arbitrary<Trouble> = plain({
  at: fc.nat({ max: TROUBLE_STEPS_MAX }),
  failure: fc.constantFrom(...FAILURES),
  lasting: fc.constantFrom('once', 'once', 'ever'),
});
const death = once('worker-dies', 'worker-dies-late');
const slowness = once('hangs', 'hangs', 'times-out', 'times-out-late');

function once(...failures: readonly StepFailure[]): fc.Arbitrary<Trouble> {
  return plain({
    at: fc.nat({ max: TROUBLE_STEPS_MAX }),
    failure: fc.constantFrom(...failures),
    lasting: fc.constant('once' as const),
  });
}

interface Weather {
  readonly nature: readonly Event[];
  readonly troubles: readonly Trouble[];
}

/** Some of them on a machine where nothing goes wrong, so that nothing may fail either. */
const weather: fc.Arbitrary<Weather> = fc.oneof(
  plain({ nature: fc.array(calmEvent, { maxLength: EVENTS_MAX, size: 'max' }), troubles: fc.constant([]) }),
  plain({ nature: fc.array(roughEvent, { maxLength: EVENTS_MAX, size: 'max' }), troubles: fc.constant([]) }),
  ...[trouble, death, slowness, fc.oneof(trouble, death, slowness)].map((one) =>
    plain({
      nature: fc.array(roughEvent, { maxLength: EVENTS_MAX, size: 'max' }),
      troubles: fc.array(one, { maxLength: TROUBLES_MAX, size: 'max' }),
    }),
  ),
);

const plan = plain({
  actions: fc.array(plain({ client: fc.nat({ max: CLIENTS - 1 }), action }), { maxLength: ACTIONS_MAX, size: 'max' }),
  settings: plain({ removalWaits: fc.boolean(), discardBlocks: fc.boolean() }),
  warm: fc.constantFrom(true, true, true, false),
  choices: fc.uint8Array({ maxLength: CHOICES_MAX, size: 'max' }).map((choices) => [...choices]),
});

export function scenarioWith(standby: StandbyLimits): fc.Arbitrary<Scenario> {
  return fc.tuple(plan, weather).map(([{ settings, ...actions }, { nature, troubles }]) => {
    return { ...actions, nature, troubles, settings: { ...settings, standby } };
  });
}
