// Events: what each write means, and what a reader gets: in order, at once, and no more than it takes.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EventQueue, QUEUE_EVENTS_MAX } from '../../../src/main/admin/event-queue.ts';
import { type Event, ProblemWatch, toEvents } from '../../../src/main/admin/events.ts';
import type { Problem } from '../../../src/main/admin/health.ts';
import type { Change } from '../../../src/main/catalog/tables.ts';
import { Tables } from '../../../src/main/catalog/tables.ts';
import { CommandError, EXIT_NO_DAEMON } from '../../../src/main/cli/command.ts';
import { Admin, type EventsResponse, Kind } from '../../../src/main/rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { parseBytes } from '../../../src/shared/units.ts';
import { withAdmin } from '../../support/admin.ts';
import { FakeGrowth } from '../../support/fake-growth.ts';
import { deviceOf, pairOf, snapshotOf, viewOf } from '../../support/records.ts';
import { withTimeout } from '../../support/with-timeout.ts';

const test = suite('admin events');

const LIMIT_MS = 20_000;

const ACTIVE = { ...snapshotOf('key', 2, { parent: 'layer' }), kind: 'active', idMap: null } as const;

function tables(): Tables {
  const made = new Tables();
  const before: Change[] = [...pairOf('layer', 1), { kind: 'put-device', device: deviceOf(2, { state: 'Activated' }) }];
  for (const change of [...before, { kind: 'put-snapshot', snapshot: ACTIVE } as const]) made.apply(change);
  return made;
}

const made = (key: string, kind: Kind, deviceId: bigint): Event => {
  return { case: 'made', value: { key, parent: 'layer', kind, deviceId } };
};

const WRITES: readonly (readonly [string, readonly Change[], readonly Event[]])[] = [
  [
    'an active snapshot with its device',
    [
      { kind: 'put-device', device: deviceOf(3, { state: 'Activated' }) },
      { kind: 'put-snapshot', snapshot: { ...ACTIVE, key: 'new', deviceId: deviceOf(3).id } },
    ],
    [made('new', Kind.ACTIVE, 3n)],
  ],
  ['a view', [{ kind: 'put-snapshot', snapshot: viewOf('view', 1, 'layer') }], [made('view', Kind.VIEW, 1n)]],
  [
    'a commit',
    [
      { kind: 'delete-snapshot', key: 'key' },
      {
        kind: 'put-snapshot',
        snapshot: snapshotOf('name', 2, { parent: 'layer', usageBytes: parseBytes(7) }),
      },
      { kind: 'put-device', device: deviceOf(2) },
    ],
    [{ case: 'committed', value: { name: 'name', key: 'key', parent: 'layer', usageBytes: 7n, deviceId: 2n } }],
  ],
  [
    'a removal',
    [
      { kind: 'delete-snapshot', key: 'key' },
      { kind: 'put-device', device: deviceOf(2, { state: 'Removing' }) },
    ],
    [{ case: 'removed', value: { key: 'key', kind: Kind.ACTIVE, deviceId: 2n } }],
  ],
  [
    'other labels',
    [{ kind: 'put-snapshot', snapshot: { ...ACTIVE, labels: new Map([['a', 'b']]) } }],
    [{ case: 'updated', value: { key: 'key', kind: Kind.ACTIVE } }],
  ],
  ['an intent', [{ kind: 'put-device', device: deviceOf(9, { state: 'Creating' }) }], []],
  ['a device that was never made', [{ kind: 'delete-device', id: deviceOf(1).id }], []],
];

for (const [name, changes, expected] of WRITES) {
  test(`toEvents() tells ${expected.map((event) => event.case).join() || 'nothing'} of ${name}`, () => {
    assert.equal(toEvents(tables(), changes), expected);
  });
}

test('toEvents() tells that a device is gone once its removal is done', () => {
  const before = tables();
  before.apply({ kind: 'put-device', device: deviceOf(5, { state: 'Removing' }) });
  const events = toEvents(before, [{ kind: 'delete-device', id: deviceOf(5).id }]);
  assert.equal(events, [{ case: 'reaped', value: { deviceId: 5n } }]);
});

test('ProblemWatch tells each problem once, and when it is over', () => {
  const told: string[] = [];
  const watch = new ProblemWatch((event) => {
    if (event.case === 'problem' || event.case === 'solved') told.push(`${event.case} ${event.value.code ?? ''}`);
  });
  const problem = (code: Problem['code']): Problem => ({ code, severity: 'error', found: 'f', advice: 'a' });
  watch.look([]);
  watch.look([problem('data-short')]);
  watch.look([problem('data-short'), problem('pool-failed')]);
  watch.look([problem('pool-failed')]);
  watch.look([]);
  assert.equal(told, ['problem data-short', 'problem pool-failed', 'solved data-short', 'solved pool-failed']);
});

test('EventQueue keeps what a slow reader can have, and counts the rest', async () => {
  const queue = new EventQueue();
  for (let index = 0; index < QUEUE_EVENTS_MAX + 5; index += 1) {
    queue.push({ event: { case: 'reaped', value: { deviceId: BigInt(index) } } });
  }
  const end = new AbortController();
  const seen: string[] = [];
  let lost = 0n;
  for await (const { event } of queue.messages(end.signal)) {
    seen.push(event?.case ?? '');
    if (event?.case !== 'lost') continue;
    lost = event.value;
    end.abort();
  }
  assert.is(seen.length, QUEUE_EVENTS_MAX + 1);
  assert.is(seen.at(-1), 'lost');
  assert.is(lost, 5n);
});

test('EventQueue ends a reader that waits when its signal aborts', async () => {
  const end = new AbortController();
  const reading = new EventQueue().messages(end.signal).next();
  end.abort();
  assert.is((await withTimeout(reading, LIMIT_MS, 'the end')).done, true);
});

test('events come in the order of the writes, what is wrong already first, and end with the daemon', async () => {
  await withAdmin(async ({ client, core, stop }) => {
    core.volumes.space = { data: { usedBytes: 1000, totalBytes: 1000 }, metadata: null };
    const seen: EventsResponse[] = [];
    const stream = client.stream(Admin.method.events, {}, new AbortController().signal);
    const next = async (): Promise<void> => {
      const { value } = await withTimeout(stream.next(), LIMIT_MS, 'an event');
      if (value !== undefined) seen.push(value);
    };
    await next();
    await core.catalog.write(pairOf('a', 1));
    await core.catalog.write([{ kind: 'delete-snapshot', key: 'a' }]);
    await next();
    await next();
    core.volumes.growth = new FakeGrowth(core.volumes, { roomBytes: 1000, failure: null });
    await core.extender.keepUp();
    await next();
    await next();
    assert.equal(
      seen.map(({ event }) => event.case),
      ['problem', 'made', 'removed', 'extended', 'solved'],
    );
    const { $typeName, ...extended } = seen[3]?.event.case === 'extended' ? seen[3].event.value : { $typeName: '' };
    assert.is($typeName, 'thinsnap.admin.v1.Extended');
    assert.equal(extended, { what: 'data', beforeBytes: 1000n, afterBytes: 1250n });
    assert.ok(seen.every(({ time }) => time !== undefined));
    const ended = stream.next().catch((error: unknown) => error);
    await stop();
    const error = await withTimeout(ended, LIMIT_MS, 'the end of the stream');
    assert.is(error instanceof CommandError && error.exitStatus, EXIT_NO_DAEMON);
  });
});

test('a client that goes leaves nothing behind', async () => {
  await withAdmin(async ({ client, core }) => {
    core.volumes.space = { data: { usedBytes: 1000, totalBytes: 1000 }, metadata: null };
    for (let index = 0; index < 200; index += 1) {
      const end = new AbortController();
      const stream = client.stream(Admin.method.events, {}, end.signal);
      await withTimeout(stream.next(), LIMIT_MS, `event ${index}`);
      end.abort();
      await stream.return(undefined);
    }
  });
});

test.run();
