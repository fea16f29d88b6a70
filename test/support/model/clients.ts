// What the clients do, and the record of what they were answered: calls, and reads and writes through the paths that
// they were given.

import { status } from '@grpc/grpc-js';
import { GRPC_STATUS } from '../../../src/main/rpc/status.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import { Latch } from '../latch.ts';
import { ask } from './ask.ts';
import type { Access, Answer, Call, Operation, Outcome } from './calls.ts';
import type { Life, Machine } from './life.ts';
import { Lives } from './lives.ts';
import { type Action, type Aim, inFull, KEYS } from './scenarios.ts';

/** What the contract lets a call be refused for; whatever else it answers must have been caused. */
const CONTRACT_CODES = new Set([
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'INVALID_ARGUMENT',
  'FAILED_PRECONDITION',
  'UNIMPLEMENTED',
]);
/** Calls that ask the kernel for something before they answer. No other may show what the kernel said. */
const KERNEL_CALLS: ReadonlySet<Call['kind']> = new Set(['Prepare', 'View', 'Mounts', 'Commit', 'Usage']);

interface Handle {
  readonly client: number;
  readonly key: string;
  readonly source: string;
  readonly close: () => void;
}

interface Sent {
  readonly client: number;
  readonly call: Call;
  readonly start: number;
  readonly startNs: bigint;
  /** The catalog took no more writes already: nothing can come of it. */
  readonly vain: boolean;
}

export class Clients {
  /** What the contract must explain. */
  readonly history: Operation[] = [];
  /** All calls, those that the kernel failed as well. */
  readonly sent: { readonly call: Call; readonly start: number; readonly end: number }[] = [];
  /** Answers that nothing explains. */
  readonly failures: string[] = [];
  readonly lives: Lives;
  readonly #machine: Machine;
  readonly #inFlight = new Map<Sent, Life>();
  /** Told that the catalog cannot be written: what became of them shows after the next start. */
  #unknown: Sent[] = [];
  #handles: Handle[] = [];
  #writes = 0;
  #waitsOver = new Latch();

  constructor(machine: Machine) {
    this.#machine = machine;
    this.lives = new Lives({
      machine,
      isBusy: (life) => [...this.#inFlight.values()].includes(life),
      onEnd: () => {
        for (const sent of this.#unknown.splice(0)) this.#record(sent, { kind: 'lost' });
      },
    });
  }

  async run(client: number, actions: readonly Action[]): Promise<void> {
    for (const action of actions) {
      // A client waits for what it is after: else most would find nothing, and be done before anything is made.
      const due = (): boolean => !('aim' in action) || action.aim === null || this.#find(action.aim) !== null;
      const what = action.kind === 'call' ? action.call.kind : action.kind;
      await this.#machine.world.wait(`client ${client}: ${what}`, { due });
      if (action.kind === 'call')
        await this.#unlessTooLong(this.perform(client, inFull(this.#aim(action.call, action.aim))));
      else if (action.kind === 'open') await this.open(client, this.#find(action.aim) ?? action.key);
      else if (action.kind === 'write') for (const handle of this.#handles) this.#write(handle);
      else this.closeOne(client);
    }
  }

  /** All calls in flight are out of time, as `rpc/handle.ts` ends them: their clients go on, and so does the work. */
  endWaits(): void {
    const over = this.#waitsOver;
    this.#waitsOver = new Latch();
    over.open();
  }

  /** One call, on the record. Answers null unless it was done. */
  async perform(client: number, call: Call): Promise<Answer | null> {
    const { world, disk } = this.#machine;
    const life = await this.lives.next();
    const sent = { client, call, start: world.stamp(), startNs: world.nowNs, vain: disk.broken };
    this.#inFlight.set(sent, life);
    const outcome = await Promise.race([outcomeOf(ask(life.service, call)), life.process.died]);
    this.#inFlight.delete(sent);
    if (outcome === 'died') {
      this.#record(sent, { kind: 'lost' });
      return null;
    }
    if (outcome instanceof FaultError) {
      this.#recordFault(sent, outcome);
      return null;
    }
    this.#record(sent, outcome);
    if (outcome.answer.kind === 'mount' && 'key' in call) this.#read(client, call.key, outcome.answer.mount.source);
    return outcome.answer;
  }

  /** Opens the device of a snapshot and writes to it once, where that can be done. */
  async open(client: number, key: string): Promise<void> {
    const before = this.#machine.world.stamp();
    const answer = await this.perform(client, { kind: 'Mounts', key });
    // Whoever commits a snapshot has stopped to open it: that is containerd's part of the contract.
    const committing = this.sent.some(({ call, end }) => call.kind === 'Commit' && call.key === key && end > before);
    if (answer?.kind !== 'mount' || committing || this.#isCommitting(key)) return;
    const { source } = answer.mount;
    const close = this.#machine.pool.open(source);
    if (close === null) return;
    const handle = { client, key, source, close };
    this.#handles.push(handle);
    this.#write(handle);
  }

  closeOne(client: number): void {
    const index = this.#handles.findIndex((handle) => handle.client === client);
    for (const handle of index < 0 ? [] : this.#handles.splice(index, 1)) handle.close();
  }

  closeAll(): void {
    for (const handle of this.#handles.splice(0)) handle.close();
  }

  /** What comes of a call that nobody waits for any more is on the record as well, with the time at which it came. */
  async #unlessTooLong(work: Promise<unknown>): Promise<void> {
    work.catch((error: unknown) => this.failures.push(String(error)));
    await Promise.race([work, this.#waitsOver.opened]);
  }

  #record(sent: Sent, outcome: Outcome): void {
    const end = this.#machine.world.stamp();
    this.sent.push({ call: sent.call, start: sent.start, end });
    const { client, call, start, startNs } = sent;
    this.history.push({ client, call, start, startNs, end, outcome });
  }

  /** A fault that the contract does not speak of changes nothing, and somebody must have caused it. */
  #recordFault(sent: Sent, fault: FaultError): void {
    const code = status[GRPC_STATUS[fault.code]];
    if (CONTRACT_CODES.has(code)) {
      this.#record(sent, { kind: 'refused', code });
      return;
    }
    const { disk, pool, troubles, world } = this.#machine;
    if (fault.code === 'unavailable' && disk.broken && !sent.vain) {
      this.#unknown.push(sent);
      return;
    }
    this.sent.push({ call: sent.call, start: sent.start, end: world.stamp() });
    if (fault.code === 'unavailable' && sent.vain) return;
    const caused = troubles.explains(fault.code, sent.start) || (fault.code === 'no-space' && pool.wasLow);
    if (caused && KERNEL_CALLS.has(sent.call.kind)) return;
    this.failures.push(`${sent.call.kind} answered ${fault.code}, which nobody caused: ${fault.message}`);
  }

  #read(client: number, key: string, source: string): void {
    this.#recordAccess(client, { kind: 'Read', key, source }, { kind: 'seen', seen: this.#machine.pool.read(source) });
  }

  /** Not while it is being committed: whether such a write is in the layer, nobody can say. */
  #write({ client, key, source }: Handle): void {
    const { disk, pool } = this.#machine;
    if (disk.broken || this.#isCommitting(key)) return;
    const content = this.#writes + 1;
    if (!pool.write(source, content)) return;
    this.#writes = content;
    this.#recordAccess(client, { kind: 'Write', source, content }, { kind: 'empty' });
  }

  #recordAccess(client: number, call: Access, answer: Answer): void {
    const { world } = this.#machine;
    const [start, end] = [world.stamp(), world.stamp()];
    this.history.push({ client, call, start, end, startNs: world.nowNs, outcome: { kind: 'done', answer } });
  }

  #isCommitting(key: string): boolean {
    const unsettled = [...this.#inFlight.keys(), ...this.#unknown];
    return unsettled.some(({ call }) => call.kind === 'Commit' && call.key === key);
  }

  #aim(call: Call, aim: Aim | null): Call {
    const found = this.#find(aim);
    if (found === null || !('key' in call)) return call;
    if (call.kind === 'Prepare' || call.kind === 'View') return { ...call, parent: found, key: this.#free(call.key) };
    return { ...call, key: found };
  }

  /** A key that nobody has yet, though somebody may be about to: that one, or else the next. */
  #free(key: string): string {
    const taken = this.lives.now?.core.catalog.tables.snapshots;
    const from = KEYS.indexOf(key);
    return [...KEYS.slice(from), ...KEYS.slice(0, from)].find((other) => !taken?.has(other)) ?? key;
  }

  #find(aim: Aim | null): string | null {
    const { now } = this.lives;
    if (aim === null || now === null) return null;
    const found = [...now.core.catalog.tables.snapshots.values()].filter(({ kind }) => kind === aim.kind);
    return found[aim.nth % found.length]?.key ?? null;
  }
}

/** A bug is no outcome: it ends the run. */
async function outcomeOf(answer: Promise<Answer>): Promise<Extract<Outcome, { kind: 'done' }> | FaultError> {
  try {
    return { kind: 'done', answer: await answer };
  } catch (error) {
    if (error instanceof FaultError && error.code !== 'bug') return error;
    throw error;
  }
}
