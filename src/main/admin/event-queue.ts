// The events that one reader has not taken yet: bounded, so that a reader that stopped costs no more than this. What does
// not fit is counted instead, and the count goes out in its place.

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EventsResponseSchema } from '../rpc/gen/thinsnap/admin/v1/admin_pb.ts';

type Message = MessageInitShape<typeof EventsResponseSchema>;

export const QUEUE_EVENTS_MAX = 4096;

export class EventQueue {
  #waiting: Message[] = [];
  #lost = 0n;
  #wake: (() => void) | null = null;

  push(message: Message): void {
    if (this.#waiting.length < QUEUE_EVENTS_MAX) this.#waiting.push(message);
    else this.#lost += 1n;
    this.#wake?.();
    this.#wake = null;
  }

  /** For ever, until `signal` aborts; what was pushed by then still comes. */
  async *messages(signal: AbortSignal): AsyncGenerator<Message, void> {
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      for (;;) {
        yield* this.#take();
        if (signal.aborted) return;
        if (this.#waiting.length > 0) continue;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  #take(): Message[] {
    const taken = this.#waiting;
    this.#waiting = [];
    const last = taken.at(-1);
    if (this.#lost > 0n && last !== undefined) {
      taken.push({ ...last, event: { case: 'lost', value: this.#lost } });
      this.#lost = 0n;
    }
    return taken;
  }
}
