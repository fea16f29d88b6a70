// The contract of the snapshots service, one call at a time: containerd's table of codes and what each call changes.
// Nothing in here runs at once and nothing fails, so whatever a daemon answered must be explained by some order of these.
//
// Where a call breaks several rules at once, containerd promises no order among the codes: each of them is right.

import type { Access, Answer, Call, Info, LabelRecord, Operation } from './calls.ts';

const FS_TYPE_LABEL = 'containerd.io/snapshot/devmapper/fstype';
const LABEL_BYTES_MAX = 4096;
/** What one write adds to a snapshot: one block of the pool. */
const WRITE_BYTES = 65_536;

interface Entry {
  readonly kind: Info['kind'];
  readonly parent: string;
  readonly labels: LabelRecord;
  readonly fsType: string;
  /** The device's path; null until somebody was told. */
  readonly source: string | null;
  /** The number of the last write to it; 0 for an empty file system. A view's is its parent's. */
  readonly content: number;
  readonly writes: number;
  /** Whether there was an Update since it was made. */
  readonly touched: boolean;
  /** When the calls that made it and that changed it last were sent, and what its times were seen to be. */
  readonly sentNs: { readonly created: bigint; readonly updated: bigint };
  readonly seenNs: { readonly created: bigint | null; readonly updated: bigint | null };
}

export type State = ReadonlyMap<string, Entry>;

export const EMPTY: State = new Map();

/** The state after the operation as it ended; null when it could not have ended so in this state. */
export function after(state: State, operation: Operation): State | null {
  const { call, outcome, startNs } = operation;
  const refusals = call.kind === 'Write' || call.kind === 'Read' ? [] : refusalsOf(state, call);
  if (outcome.kind === 'refused') return refusals.includes(outcome.code) ? state : null;
  if (refusals.length > 0) return null;
  return applied(state, { call, startNs, answer: outcome.kind === 'done' ? outcome.answer : null });
}

/** Every rule that the call breaks, by the code that says so. */
export function refusalsOf(state: State, call: Call): string[] {
  const codes: string[] = [];
  const rule = (broken: boolean, code: string): void => {
    if (broken) codes.push(code);
  };
  if (call.kind === 'List' || call.kind === 'Cleanup') return codes;
  const found = state.get(call.key);
  if ('labels' in call && call.kind !== 'Update') rule(isTooLong(call.labels), 'INVALID_ARGUMENT');
  if (call.kind === 'Prepare' || call.kind === 'View') {
    const parent = state.get(call.parent);
    const wish = call.labels[FS_TYPE_LABEL];
    rule(call.key === '', 'INVALID_ARGUMENT');
    rule(found !== undefined, 'ALREADY_EXISTS');
    rule(call.parent !== '' && parent === undefined, 'NOT_FOUND');
    rule(parent !== undefined && parent.kind !== 'committed', 'INVALID_ARGUMENT');
    rule(parent !== undefined && wish !== undefined && wish !== parent.fsType, 'INVALID_ARGUMENT');
    return codes;
  }
  rule(found === undefined, 'NOT_FOUND');
  if (call.kind === 'Mounts') rule(found?.kind === 'committed', 'FAILED_PRECONDITION');
  if (call.kind === 'Remove') rule(hasChildren(state, call.key), 'FAILED_PRECONDITION');
  if (call.kind === 'Update') {
    rule(!call.paths.every((path) => /^labels(\.|$)/.test(path)), 'INVALID_ARGUMENT');
    // Only what the mask names counts.
    rule(isTooLong(updated(found?.labels ?? {}, call.labels, call.paths)), 'INVALID_ARGUMENT');
  }
  if (call.kind === 'Commit') {
    rule(call.name === '', 'INVALID_ARGUMENT');
    rule(state.has(call.name), 'ALREADY_EXISTS');
    rule(found !== undefined && found.kind !== 'active', 'FAILED_PRECONDITION');
    // A block device cannot be moved onto another parent.
    rule(call.parent !== '' && call.parent !== found?.parent, 'UNIMPLEMENTED');
  }
  return codes;
}

interface Done {
  readonly call: Call | Access;
  readonly startNs: bigint;
  /** Null when nobody was told. */
  readonly answer: Answer | null;
}

function applied(state: State, done: Done): State | null {
  const { call, startNs, answer } = done;
  const next = new Map(state);
  switch (call.kind) {
    case 'Prepare':
    case 'View': {
      const kind = call.kind === 'View' ? 'view' : 'active';
      const origin = state.get(call.parent);
      const fsType = origin?.fsType ?? call.labels[FS_TYPE_LABEL] ?? 'ext4';
      const labels = withoutEmpty(call.labels);
      const made = { kind, parent: call.parent, labels, fsType, source: null, content: origin?.content ?? 0 } as const;
      next.set(call.key, { ...made, writes: 0, ...timesOf(startNs) });
      return mounted(next, call.key, answer);
    }
    case 'Mounts':
      return mounted(state, call.key, answer);
    case 'Commit': {
      const active = state.get(call.key);
      if (active === undefined) return null;
      next.delete(call.key);
      const labels = withoutEmpty(call.labels);
      return next.set(call.name, { ...active, kind: 'committed', labels, source: null, ...timesOf(startNs) });
    }
    case 'Remove':
      next.delete(call.key);
      return next;
    case 'Update': {
      const old = state.get(call.key);
      if (old === undefined) return null;
      const sentNs = { ...old.sentNs, updated: startNs };
      const seenNs = { ...old.seenNs, updated: null };
      const labels = updated(old.labels, call.labels, call.paths);
      next.set(call.key, { ...old, labels, touched: true, sentNs, seenNs });
      return answer?.kind === 'info' ? shown(next, call.key, answer.info) : next;
    }
    case 'Stat':
      return answer?.kind === 'info' ? shown(state, call.key, answer.info) : state;
    case 'List':
      return answer?.kind === 'infos' ? listed(state, call.only, answer.infos) : state;
    case 'Usage': {
      const found = state.get(call.key);
      const bytes = found?.kind === 'view' ? 0 : (found?.writes ?? 0) * WRITE_BYTES;
      return answer?.kind !== 'size' || answer.bytes === null || answer.bytes === bytes ? state : null;
    }
    case 'Write': {
      const written = [...state].find(([, { kind, source }]) => kind === 'active' && source === call.source);
      if (written === undefined) return state;
      const [key, entry] = written;
      return next.set(key, { ...entry, content: call.content, writes: entry.writes + 1 });
    }
    case 'Read': {
      const entry = state.get(call.key);
      // Nobody is promised anything of a path whose snapshot is gone.
      if (entry === undefined || entry.source !== call.source) return state;
      const seen = answer?.kind === 'seen' ? answer.seen : null;
      return seen?.content === entry.content && seen.readOnly === (entry.kind === 'view') ? state : null;
    }
    case 'Cleanup':
      return state;
  }
}

/** The same mount for as long as the snapshot is there. */
function mounted(state: State, key: string, answer: Answer | null): State | null {
  const entry = state.get(key);
  if (entry === undefined || answer?.kind !== 'mount') return state;
  const { type, source, options } = answer.mount;
  const right =
    type === entry.fsType &&
    options.includes('ro') === (entry.kind === 'view') &&
    options.includes('nouuid') === (type === 'xfs') &&
    (entry.source === null || entry.source === source);
  if (!right) return null;
  return entry.source === source ? state : new Map(state).set(key, { ...entry, source });
}

function listed(state: State, only: Info['kind'] | 'all', infos: readonly Info[]): State | null {
  const wanted = [...state.values()].filter(({ kind }) => only === 'all' || kind === only);
  const names = new Set(infos.map(({ key }) => key));
  if (wanted.length !== infos.length || names.size !== infos.length) return null;
  let known: State | null = state;
  for (const info of infos) known = known === null ? null : shown(known, info.key, info);
  return known;
}

/** Times are never earlier than the call that set them; both are equal until an Update, and stay what they were seen to be. */
function shown(state: State, key: string, info: Info): State | null {
  const entry = state.get(key);
  if (entry === undefined) return null;
  const { sentNs, seenNs } = entry;
  const right =
    info.key === key &&
    info.kind === entry.kind &&
    info.parent === entry.parent &&
    showLabels(info.labels) === showLabels(entry.labels) &&
    (seenNs.created ?? info.createdNs) === info.createdNs &&
    (seenNs.updated ?? info.updatedNs) === info.updatedNs &&
    info.createdNs >= sentNs.created &&
    info.updatedNs >= sentNs.updated &&
    (entry.touched ? info.createdNs < info.updatedNs : info.createdNs === info.updatedNs);
  if (!right) return null;
  if (seenNs.created === info.createdNs && seenNs.updated === info.updatedNs) return state;
  return new Map(state).set(key, { ...entry, seenNs: { created: info.createdNs, updated: info.updatedNs } });
}

function updated(old: LabelRecord, given: LabelRecord, paths: readonly string[]): LabelRecord {
  let labels = paths.length === 0 ? given : old;
  for (const path of paths) {
    const name = path.slice('labels.'.length);
    labels = path === 'labels' ? given : { ...labels, [name]: given[name] ?? '' };
  }
  return withoutEmpty(labels);
}

/** containerd drops a label without a value on every write. */
function withoutEmpty(labels: LabelRecord): LabelRecord {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

function timesOf(startNs: bigint): Pick<Entry, 'touched' | 'sentNs' | 'seenNs'> {
  return { touched: false, sentNs: { created: startNs, updated: startNs }, seenNs: { created: null, updated: null } };
}

function hasChildren(state: State, key: string): boolean {
  return [...state.values()].some(({ parent }) => parent === key);
}

function isTooLong(labels: LabelRecord): boolean {
  return Object.entries(labels).some(([name, value]) => Buffer.byteLength(name + value) > LABEL_BYTES_MAX);
}

function showLabels(labels: LabelRecord): string {
  return JSON.stringify(Object.entries(labels).sort());
}

const texts = new WeakMap<Entry, string>();

/** Equal texts mean equal states. Entries never change, so each is put into words once. */
export function showState(state: State): string {
  const lines = [...state].map(([key, entry]) => `${JSON.stringify(key)} ${textOf(entry)}`);
  return lines.sort().join('\n');
}

function textOf(entry: Entry): string {
  const known = texts.get(entry);
  if (known !== undefined) return known;
  const { labels, sentNs, seenNs, ...rest } = entry;
  const times = [sentNs.created, sentNs.updated, seenNs.created, seenNs.updated].map(String);
  const text = JSON.stringify([rest, Object.entries(labels).sort(), times]);
  texts.set(entry, text);
  return text;
}
