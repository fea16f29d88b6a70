// Lists that are being answered are bounded, also by those whose clients read no further.

import { EventEmitter } from 'node:events';
import { status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Handlers, LISTS_MAX } from '../../../src/main/rpc/handle.ts';
import { settled } from '../../support/latch.ts';

/** A call whose client takes one message and no more. */
class StalledCall extends EventEmitter {
  readonly request = {};
  readonly cancelled = false;
  ended = false;
  write(): boolean {
    return false;
  }
  end(): void {
    this.ended = true;
  }
}

test('a List is refused when too many are being answered, and taken once one of them has ended', async () => {
  const handlers = new Handlers({ log: pino({ level: 'silent' }), onBug: () => undefined });
  const answer = handlers.list(() => [Buffer.alloc(1)]);
  const begin = (): { call: StalledCall; codes: unknown[] } => {
    const call = new StalledCall();
    const codes: unknown[] = [];
    call.on('error', (error: { code: unknown }) => codes.push(error.code));
    Reflect.apply(answer, undefined, [call]);
    return { call, codes };
  };
  const stalled = Array.from({ length: LISTS_MAX }, begin);
  const refused = begin();
  await settled();
  assert.equal(refused.codes, [status.RESOURCE_EXHAUSTED]);
  refused.call.emit('cancelled');
  stalled[0]?.call.emit('cancelled');
  const taken = begin();
  await settled();
  assert.equal(taken.codes, []);
  // The client is asked whether it is there; none holds a timer any more.
  for (const { call } of [...stalled, taken]) call.emit('close');
  await settled();
  assert.ok(stalled.every(({ call }) => call.ended));
});

test.run();
