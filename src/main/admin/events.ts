// Events: what happens, told from the catalog's own writes, so that nothing is told that is not durable and nothing that
// is durable is left out, whoever caused it. Nobody waits for a reader: one that is too slow loses events and is told so.

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Change, Tables } from '../catalog/tables.ts';
import type { EventsResponseSchema } from '../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { AdminContext } from './admin-context.ts';
import { EventQueue } from './event-queue.ts';
import { findProblems, type Problem, type ProblemCode } from './health.ts';
import { KINDS, toProblem } from './messages.ts';
import type { AdminRpcs } from './service.ts';

/** Between two looks at what is wrong: from memory, so it may be short. */
const LOOK_PAUSE_MS = 1000;

type Message = MessageInitShape<typeof EventsResponseSchema>;
export type Event = NonNullable<Message['event']>;

export function eventsRpc(context: AdminContext): AdminRpcs['events'] {
  return async function* (_request, signal) {
    const queue = new EventQueue();
    const push = (event: Event): void => queue.push({ time: context.clock.now(), event });
    const problems = new ProblemWatch(push);
    const look = (): void => problems.look(findProblems(context));
    const stopObserving = context.catalog.observe((changes) => {
      for (const event of toEvents(context.catalog.tables, changes)) push(event);
    });
    const stopObservingSpace = context.extender.observe(({ what, beforeBytes, afterBytes }) =>
      push({ case: 'extended', value: { what, beforeBytes: BigInt(beforeBytes), afterBytes: BigInt(afterBytes) } }),
    );
    const timer = setInterval(look, LOOK_PAUSE_MS);
    try {
      look();
      yield* queue.messages(signal);
    } finally {
      clearInterval(timer);
      stopObserving();
      stopObservingSpace();
    }
  };
}

/** What `changes`, which are one write, mean; `tables` are those before them. */
export function toEvents(tables: Tables, changes: readonly Change[]): Event[] {
  const consumed = changes.find((change) => change.kind === 'delete-snapshot')?.key ?? null;
  const isCommit = changes.some((change) => change.kind === 'put-snapshot') && consumed !== null;
  const events: Event[] = [];
  for (const change of changes) {
    const event = toEvent(tables, change, isCommit ? consumed : null);
    if (event !== null) events.push(event);
  }
  return events;
}

/** `consumed`: the active key that becomes a committed snapshot; null where this is no commit. */
function toEvent(tables: Tables, change: Change, consumed: string | null): Event | null {
  switch (change.kind) {
    case 'put-snapshot': {
      const { key, parent, deviceId, kind } = change.snapshot;
      if (consumed !== null && change.snapshot.kind === 'committed') {
        const usageBytes = BigInt(change.snapshot.usageBytes);
        return {
          case: 'committed',
          value: { name: key, key: consumed, parent, usageBytes, deviceId: BigInt(deviceId) },
        };
      }
      if (tables.snapshots.has(key)) return { case: 'updated', value: { key, kind: KINDS[kind] } };
      return { case: 'made', value: { key, parent, kind: KINDS[kind], deviceId: BigInt(deviceId) } };
    }
    case 'delete-snapshot': {
      const old = tables.snapshots.get(change.key);
      if (old === undefined || consumed !== null) return null;
      return { case: 'removed', value: { key: old.key, kind: KINDS[old.kind], deviceId: BigInt(old.deviceId) } };
    }
    case 'delete-device':
      // Any other state: nothing was ever made, its thin id was somebody else's.
      if (tables.devices.get(change.id)?.state !== 'Removing') return null;
      return { case: 'reaped', value: { deviceId: BigInt(change.id) } };
    case 'put-device':
      return null;
  }
}

/** Tells each problem when it comes and when it goes. */
export class ProblemWatch {
  readonly #push: (event: Event) => void;
  #known: ReadonlySet<ProblemCode> = new Set();

  constructor(push: (event: Event) => void) {
    this.#push = push;
  }

  look(problems: readonly Problem[]): void {
    const codes = new Set(problems.map(({ code }) => code));
    for (const code of this.#known) {
      if (!codes.has(code)) this.#push({ case: 'solved', value: { code } });
    }
    for (const problem of problems) {
      if (!this.#known.has(problem.code)) this.#push({ case: 'problem', value: toProblem(problem) });
    }
    this.#known = codes;
  }
}
