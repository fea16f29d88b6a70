// Hostile HTTP/2: what is sent is made by hand, since no client library would send it.

import { status } from '@grpc/grpc-js';
import * as assert from 'uvu/assert';
import { HEADER_BYTES_MAX } from '../../../src/main/rpc/bound-headers.ts';
import { Snapshots } from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { CONNECTIONS_MAX, GREETING_LIMIT_MS } from '../../../src/main/rpc/listener.ts';
import { PINGS } from '../../../src/main/rpc/server.ts';
import { callOverHttp2 } from '../../support/http2-call.ts';
import {
  callHeaders,
  FLAG,
  frame,
  grpcMessage,
  headerBlock,
  keptHeader,
  newestHeader,
  PREFACE,
  RawConnection,
  resetFrame,
  settingsFrame,
  TYPE,
} from '../../support/http2-frames.ts';
import { factsOf, type ProcessFacts } from '../../support/process-facts.ts';
import { withTimeout } from '../../support/with-timeout.ts';
import type { Stage } from '../stage.ts';
import { ATTACK_MS, type Attack, IDLE_RATIO_MAX, settled, withstand } from './calm.ts';

const STAT = `/${Snapshots.typeName}/Stat`;
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
/** One message of all that containerd lets through. */
const MESSAGE_BYTES = 16 * 1024 * 1024;
/** SETTINGS_INITIAL_WINDOW_SIZE. */
const WINDOW = 4;
const FRAMES = 200;
/** More than one daemon takes. */
const SILENT = ATTACK_MS > GREETING_LIMIT_MS ? 10_000 : CONNECTIONS_MAX + 100;

/** A connection of which the same is sent again and again; a new one each time that the daemon ended the last. */
interface Flood {
  readonly name: string;
  readonly start: readonly Buffer[];
  readonly settings?: Buffer;
  readonly reads: boolean;
  /** What comes round after round; `first` is the next free stream. */
  readonly round: (first: number) => Buffer;
}

const HEADERS = callHeaders(STAT);
const open = (stream: number, path = STAT): Buffer => frame([TYPE.headers, FLAG.endHeaders, stream], callHeaders(path));
const many = (made: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: FRAMES }, (_, index) => made(index)));

const FLOODS: readonly Flood[] = [
  {
    name: 'streams are opened and reset at once (CVE-2023-44487)',
    start: [],
    reads: true,
    round: (first) => many((index) => Buffer.concat([open(first + 2 * index), resetFrame(first + 2 * index)])),
  },
  {
    name: 'headers never end (CONTINUATION flood)',
    start: [frame([TYPE.headers, FLAG.none, 1], HEADERS)],
    reads: true,
    round: () => many(() => frame([TYPE.continuation, FLAG.none, 1], headerBlock([['x', 'y'.repeat(1000)]]))),
  },
  {
    name: 'headers never end and hold nothing',
    start: [frame([TYPE.headers, FLAG.none, 1], HEADERS)],
    reads: true,
    round: () => many(() => frame([TYPE.continuation, FLAG.none, 1])),
  },
  {
    name: 'calls are begun, each with 200 KB of headers in 250 bytes (HPACK bomb), and never ended',
    start: [frame([TYPE.headers, FLAG.endHeaders, 1], Buffer.concat([HEADERS, keptHeader(['x', 'y'.repeat(4000)])]))],
    reads: true,
    round: (first) =>
      many((index) =>
        frame([TYPE.headers, FLAG.endHeaders, first + 2 * index], Buffer.concat([HEADERS, newestHeader(50)])),
      ),
  },
  { name: 'SETTINGS come without end', start: [], reads: true, round: () => many(() => settingsFrame(WINDOW, 65_535)) },
  {
    name: 'SETTINGS come without end and no answer is read',
    start: [],
    reads: false,
    round: () => many(() => settingsFrame(WINDOW, 65_535)),
  },
  {
    name: 'PING comes without end and no answer is read',
    start: [],
    reads: false,
    round: () => many(() => frame([TYPE.ping, FLAG.none, 0], Buffer.alloc(8))),
  },
  {
    name: 'a message of 16 MiB comes in DATA frames of one byte',
    start: [open(1), frame([TYPE.data, FLAG.none, 1], grpcMessage(Buffer.alloc(0), { lengthBytes: MESSAGE_BYTES }))],
    reads: true,
    round: () => many(() => frame([TYPE.data, FLAG.none, 1], Buffer.of(1))),
  },
  {
    name: 'DATA frames are empty',
    start: [open(1)],
    reads: true,
    round: () => many(() => frame([TYPE.data, FLAG.none, 1])),
  },
  {
    name: 'one stream asks without end and takes no answer',
    start: [open(1, REFLECTION)],
    settings: settingsFrame(WINDOW, 0),
    reads: true,
    round: () =>
      frame(
        [TYPE.data, FLAG.none, 1],
        many(() => grpcMessage(Buffer.of(0x3a, 1, 42))),
      ),
  },
  {
    name: 'calls come without end and no window is open for their answers',
    start: [],
    settings: settingsFrame(WINDOW, 0),
    reads: true,
    round: (first) =>
      many((index) => {
        const stream = first + 2 * index;
        const message = grpcMessage(Buffer.of(0x12, 1, 97));
        return Buffer.concat([open(stream), frame([TYPE.data, FLAG.endStream, stream], message)]);
      }),
  },
  {
    name: 'calls are begun and never ended',
    start: [],
    reads: true,
    round: (first) => many((index) => open(first + 2 * index)),
  },
  {
    name: 'messages are begun, large, and never ended',
    start: [],
    reads: true,
    round: (first) => {
      const piece = grpcMessage(Buffer.alloc(16_000), { lengthBytes: MESSAGE_BYTES });
      const some = Array.from({ length: 4 }, (_, index) => first + 2 * index);
      return Buffer.concat(some.flatMap((stream) => [open(stream), frame([TYPE.data, FLAG.none, stream], piece)]));
    },
  },
];

export function frames(stage: Stage): void {
  let before: ProcessFacts | null = null;
  stage.test('the daemon is asked before it is flooded', async () => {
    await stage.client.list();
    before = await factsOf(stage.daemon.pid);
  });

  for (const flood of FLOODS) {
    stage.test(`others are answered and memory stays within bounds when ${flood.name}`, async () => {
      await withstand(stage, (attack) => run(stage, flood, attack), { name: flood.name });
    });
  }

  headerSizes(stage);
  silence(stage);

  stage.test('others are answered when connections are half closed amid their calls', async () => {
    const { address } = stage.daemon;
    const attacked = async (attack: Attack): Promise<void> => {
      do {
        const half = await Promise.all(Array.from({ length: 50 }, () => RawConnection.start(address)));
        await Promise.all(half.map((connection) => connection.send(open(1))));
        for (const connection of half) connection.end();
        await withTimeout(Promise.all(half.map((connection) => connection.ended())), 60_000, 'the end of half of it');
      } while (!attack.over());
    };
    await withstand(stage, attacked, { name: 'half closed' });
  });

  stage.test('no connection is left open after all of this', async () => {
    await settled(stage.daemon.pid, before ?? { files: [] });
  });
}

function headerSizes(stage: Stage): void {
  for (const { bytes, answer } of [
    { bytes: HEADER_BYTES_MAX - 1024, answer: status.NOT_FOUND },
    { bytes: HEADER_BYTES_MAX + 1, answer: status.RESOURCE_EXHAUSTED },
  ]) {
    stage.test(`${status[answer]} is the answer to a call with ${bytes} bytes of headers`, async () => {
      const pieces = Array.from({ length: 8 }, (_, index) => [`x-${index}`, 'v'.repeat(bytes / 8)] as const);
      const headers = { ':path': STAT, ...Object.fromEntries(pieces) };
      const end = await callOverHttp2(stage.daemon.address, headers, grpcMessage(Buffer.of(0x12, 1, 97)));
      assert.is(status[end.grpc ?? -1], status[answer]);
    });
  }
}

function silence(stage: Stage): void {
  stage.test(`others are answered when ${SILENT} connections say nothing, and those are ended`, async () => {
    const silent: RawConnection[] = [];
    const { address } = stage.daemon;
    const attack = async (): Promise<void> => {
      for (let opened = 0; opened < SILENT; opened += 1) silent.push(await RawConnection.open(address));
      // HTTP/2's first words, and not the frame that must follow.
      await silent[0]?.send(PREFACE);
      const ended = Promise.all(silent.map((connection) => connection.ended()));
      await withTimeout(ended, 3 * GREETING_LIMIT_MS, 'the end of connections that say nothing');
    };
    try {
      await withstand(stage, attack, { name: `${SILENT} silent connections`, medianRatioMax: IDLE_RATIO_MAX });
    } finally {
      for (const connection of silent) connection.close();
    }
  });

  // The unit test of the server does the same with shorter times.
  if (ATTACK_MS < GREETING_LIMIT_MS) return;
  stage.test('a connection that greets and says nothing more, nor answers pings, is ended', async () => {
    const greeted = await RawConnection.start(stage.daemon.address);
    try {
      await withTimeout(greeted.ended(), 3 * (PINGS.afterMs + PINGS.limitMs), 'the end of one that only greets');
    } finally {
      greeted.close();
    }
  });
}

async function run({ daemon }: Stage, flood: Flood, attack: Attack): Promise<void> {
  do {
    const connection = await RawConnection.start(daemon.address, flood.settings);
    try {
      if (!flood.reads) connection.stopReading();
      let first = 1;
      let goesOn = await connection.send(...flood.start);
      first += 2 * flood.start.length;
      while (goesOn && !attack.over()) {
        goesOn = await connection.send(flood.round(first));
        first += 2 * FRAMES;
        // What the daemon says is read between two rounds.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      connection.close();
    }
  } while (!attack.over());
}
