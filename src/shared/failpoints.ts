// Failures by plan: at a named place the process is killed, a fault is thrown, time passes. For tests alone; without
// THINSNAP_FAILPOINTS in the daemon's environment each place is one comparison with null.
//
// The plan is written as FreeBSD's fail(9) and containerd's failpoints are: `prepare.recorded=3*off->1*kill;NAME=...`.
// Terms follow one another, each for as many passages as it says, the last for ever when it says none; after them nothing
// happens. The name `*` is every place, counted together. All threads count in one memory, so the third passage is the third.

import { writeSync } from 'node:fs';
import { FAILPOINTS, type FailpointName } from './failpoint-names.ts';
import { FAULT_CODES, type FaultCode, FaultError } from './faults.ts';

/** How long `delay` may last. */
const DELAY_MAX_MS = 600_000;
const OOM_WORDS = 2 ** 16;
const STDERR = 2;

type Action =
  | { readonly kind: 'off' }
  /** SIGKILL of the whole process. */
  | { readonly kind: 'kill' }
  /** SIGABRT of the whole process: the end of native code that finds itself wrong. */
  | { readonly kind: 'abort' }
  /** A fault, as the kernel or a tool would cause one. */
  | { readonly kind: 'error'; readonly code: FaultCode }
  /** An error that nobody foresaw: a bug. */
  | { readonly kind: 'throw' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Nothing comes any more, and the thread is free for other things. */
  | { readonly kind: 'hang' }
  /** Nothing comes any more, and the thread is busy with it. */
  | { readonly kind: 'spin' }
  /** The end of the thread; of the process, on the main thread. */
  | { readonly kind: 'exit' }
  /** Takes memory until there is none. */
  | { readonly kind: 'oom' };

interface Term {
  readonly passages: number;
  readonly action: Action;
}

type Plan = ReadonlyMap<string, readonly Term[]>;

/** What a worker is started with, so that it acts by the same plan and counts in the same memory. */
export interface FailpointSetup {
  readonly text: string;
  readonly passages: SharedArrayBuffer;
}

const ANY = '*';
const NAMES = [ANY, ...FAILPOINTS.common, ...FAILPOINTS.blockfile, ...FAILPOINTS.thinPool];

let armed: { readonly setup: FailpointSetup; readonly plan: Plan; readonly passages: Int32Array } | null = null;

/** Reads the plan; fault `invalid` when it is none. To be called once, before anything else runs. */
export function armFailpoints(text: string): void {
  armWith({ text, passages: new SharedArrayBuffer(NAMES.length * Int32Array.BYTES_PER_ELEMENT) });
}

/** As `armFailpoints`, in a worker. */
export function armWith(setup: FailpointSetup): void {
  armed = { setup, plan: parsePlan(setup.text), passages: new Int32Array(setup.passages) };
}

/** For the workers; null when nothing is planned. */
export function failpointSetup(): FailpointSetup | null {
  return armed === null ? null : armed.setup;
}

/** The place of that name: nothing at all unless something is planned for it. */
export function failpoint(name: FailpointName): Promise<void> | undefined {
  return armed === null ? undefined : pass(name, armed);
}

async function pass(name: FailpointName, { plan, passages }: { plan: Plan; passages: Int32Array }): Promise<void> {
  for (const each of [name, ANY]) {
    const terms = plan.get(each);
    if (terms === undefined) continue;
    const passage = Atomics.add(passages, NAMES.indexOf(each), 1);
    await act(name, actionAt(terms, passage));
  }
}

function actionAt(terms: readonly Term[], passage: number): Action {
  let before = 0;
  for (const { passages, action } of terms) {
    before += passages;
    if (passage < before) return action;
  }
  return { kind: 'off' };
}

async function act(name: FailpointName, action: Action): Promise<void> {
  // At once, past all buffers: what comes next may end the process. Tests see by it that a plan was met.
  if (action.kind !== 'off') writeSync(STDERR, `THINSNAP_FAILPOINTS: ${action.kind} at ${name}\n`);
  switch (action.kind) {
    case 'off':
      return;
    case 'kill':
      return die('SIGKILL');
    case 'abort':
      return die('SIGABRT');
    case 'error':
      throw new FaultError(action.code, `Cannot go on at ${name}: planned by THINSNAP_FAILPOINTS`);
    case 'throw':
      throw new Error(`Planned by THINSNAP_FAILPOINTS at ${name}`);
    case 'delay':
      return new Promise((resolve) => setTimeout(resolve, action.ms));
    case 'hang':
      return new Promise(() => undefined);
    case 'spin':
      return spin();
    case 'exit':
      return process.exit(1);
    case 'oom':
      return exhaust();
  }
}

/** The signal may come a moment later on. */
function die(signal: NodeJS.Signals): never {
  process.kill(process.pid, signal);
  return spin();
}

function spin(): never {
  for (;;);
}

function exhaust(): never {
  for (const kept: number[][] = []; ; kept.push(Array.from({ length: OOM_WORDS }, () => Math.random())));
}

function parsePlan(text: string): Plan {
  const plan = new Map<string, readonly Term[]>();
  for (const entry of text.split(';').filter((each) => each.trim() !== '')) {
    const [name = '', terms = '', ...rest] = entry.split('=').map((part) => part.trim());
    if (!NAMES.includes(name) || rest.length > 0) throw badPlan(entry, 'there is no such name');
    if (plan.has(name)) throw badPlan(entry, 'the name is there twice');
    plan.set(
      name,
      terms.split('->').map((term) => parseTerm(entry, term.trim())),
    );
  }
  return plan;
}

function parseTerm(entry: string, text: string): Term {
  const found = /^(?:(\d{1,9})\*)?([a-z]+)(?:\(([a-z0-9-]*)\))?$/.exec(text);
  if (found === null) throw badPlan(entry, `"${text}" is no term`);
  const [, count, word = '', operand] = found;
  const passages = count === undefined ? Number.POSITIVE_INFINITY : Number(count);
  return { passages, action: parseAction(entry, word, operand) };
}

function parseAction(entry: string, word: string, operand: string | undefined): Action {
  if (word === 'error') {
    const code = FAULT_CODES.find((each) => each === (operand ?? 'io'));
    if (code === undefined) throw badPlan(entry, `"${operand ?? ''}" is no code of a fault`);
    return { kind: 'error', code };
  }
  if (word === 'delay') {
    const ms = Number(operand ?? Number.NaN);
    if (!Number.isInteger(ms) || ms < 0 || ms > DELAY_MAX_MS)
      throw badPlan(entry, `delay needs 0..${DELAY_MAX_MS} milliseconds`);
    return { kind: 'delay', ms };
  }
  const kind = (['off', 'kill', 'abort', 'throw', 'hang', 'spin', 'exit', 'oom'] as const).find(
    (each) => each === word,
  );
  if (kind === undefined || operand !== undefined) throw badPlan(entry, `"${word}" is no action`);
  return { kind };
}

function badPlan(entry: string, found: string): FaultError {
  return new FaultError(
    'invalid',
    `Cannot use ${JSON.stringify(entry.slice(0, 200))} in THINSNAP_FAILPOINTS: ${found}. It is for tests: unset it`,
  );
}
