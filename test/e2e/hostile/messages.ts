// Malformed gRPC: mutants of valid messages, frames whose flags and lengths lie, compressed bombs, and headers that are
// not what they should be. Every one has a status for an answer, and none reaches anybody else.

import type { OutgoingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import * as assert from 'uvu/assert';
import * as pb from '../../../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { removeAll } from '../../support/clearing.ts';
import { codeOf } from '../../support/grpc-client.ts';
import { callOverHttp2 } from '../../support/http2-call.ts';
import { grpcMessage } from '../../support/http2-frames.ts';
import { mutantOf } from '../../support/mutants.ts';
import { randomFrom } from '../../support/random.ts';
import type { Stage } from '../stage.ts';
import { CASES, withstand } from './calm.ts';

const SERVICE = pb.Snapshots.typeName;
const STAT = `/${SERVICE}/Stat`;
const IN_FLIGHT = 32;
/** Every mutant has one of these: no call may be lost, cut off, or end without a word. */
const CODES =
  /^(OK|INVALID_ARGUMENT|NOT_FOUND|ALREADY_EXISTS|FAILED_PRECONDITION|RESOURCE_EXHAUSTED|UNIMPLEMENTED|INTERNAL)$/;
/** Of zeroes, which some KiB for each MiB become. */
const BOMB_BYTES = 1024 ** 3;

export function messages(stage: Stage): void {
  mutants(stage);
  lies(stage);
  bombs(stage);
}

function mutants(stage: Stage): void {
  stage.test(`every one of ${CASES} mutants of valid messages has a status for an answer`, async () => {
    const key = await stage.aView({ a: 'b' });
    const valid = validMessages(key);
    const random = randomFrom(1);
    const { client } = stage;
    const { grpc } = client;
    const there = new Set((await client.list()).map(({ name }) => name));
    let made = 0;
    const sendUntil = async (count: number): Promise<void> => {
      const send = async (): Promise<void> => {
        while (made < count) {
          const number = made;
          made += 1;
          const [method = '', bytes = Buffer.alloc(0)] = valid[number % valid.length] ?? [];
          const mutant = mutantOf(bytes, random);
          const code = await codeOf(grpc.raw(`/${SERVICE}/${method}`, mutant));
          assert.match(code, CODES, `${method} ${Buffer.from(mutant).toString('hex')}`);
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, send));
    };
    // What a first use costs, threads and compiled code, is no growth.
    await sendUntil(CASES / 10);
    await withstand(stage, () => sendUntil(CASES), { name: `${CASES} mutants` });
    // A mutant may still say something sound.
    await removeAll(client, there);
    assert.is(stage.daemon.log.includes('"level":60'), false);
  });
}

/** One for each call. None of them makes anything, for a mutant that still says the same would. */
function validMessages(key: string): readonly (readonly [string, Uint8Array])[] {
  const labels = { 'containerd.io/snapshot.ref': 'sha256:0', 'containerd.io/snapshot/max-size': '1000000', label: 'ü' };
  const timestamp = { seconds: -62135596800n, nanos: 5 };
  const info = { name: key, parent: 'p', kind: pb.Kind.ACTIVE, createdAt: timestamp, updatedAt: timestamp, labels };
  return [
    [
      'Prepare',
      bytesOf(pb.PrepareSnapshotRequestSchema, { snapshotter: 's', key: 'mutant', parent: 'nobody', labels }),
    ],
    ['View', bytesOf(pb.ViewSnapshotRequestSchema, { snapshotter: 's', key: 'mutant', parent: 'nobody', labels })],
    ['Mounts', bytesOf(pb.MountsRequestSchema, { snapshotter: 's', key })],
    ['Commit', bytesOf(pb.CommitSnapshotRequestSchema, { snapshotter: 's', name: 'n', key: 'nobody', labels })],
    ['Remove', bytesOf(pb.RemoveSnapshotRequestSchema, { snapshotter: 's', key: 'nobody' })],
    ['Stat', bytesOf(pb.StatSnapshotRequestSchema, { snapshotter: 's', key })],
    ['Update', bytesOf(pb.UpdateSnapshotRequestSchema, { info, updateMask: { paths: ['labels.label', 'labels'] } })],
    ['Usage', bytesOf(pb.UsageRequestSchema, { snapshotter: 's', key })],
    ['Cleanup', bytesOf(pb.CleanupRequestSchema, { snapshotter: 's' })],
    [
      'List',
      bytesOf(pb.ListSnapshotsRequestSchema, { snapshotter: 's', filters: ['name~=^a(b|c)*$', 'kind==active'] }),
    ],
  ];
}

function bytesOf<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Uint8Array {
  return toBinary(schema, create(schema, init));
}

interface Lie {
  readonly name: string;
  readonly headers?: OutgoingHttpHeaders;
  /** The body; null: the headers end the request. */
  readonly body: Buffer | null;
  /** A gRPC status, or an HTTP status where no gRPC was spoken. */
  readonly answer: { readonly grpc: status } | { readonly http: number };
}

const EMPTY = grpcMessage(Buffer.alloc(0));
const INTERNAL = { grpc: status.INTERNAL };

/** grpc-js says so of a unary call that has no message, or two. */
const NOT_ONE = { grpc: status.UNIMPLEMENTED };

const LIES: readonly Lie[] = [
  { name: 'the length says more than comes', body: grpcMessage(Buffer.alloc(3), { lengthBytes: 9 }), answer: NOT_ONE },
  { name: 'the length is cut off', body: EMPTY.subarray(0, 3), answer: NOT_ONE },
  { name: 'there are two messages', body: Buffer.concat([EMPTY, EMPTY]), answer: NOT_ONE },
  { name: 'there is none', body: Buffer.alloc(0), answer: NOT_ONE },
  { name: 'there are headers only', body: null, answer: NOT_ONE },
  {
    name: 'the length says 4 GiB',
    body: grpcMessage(Buffer.alloc(0), { lengthBytes: 2 ** 32 - 1 }),
    answer: { grpc: status.RESOURCE_EXHAUSTED },
  },
  {
    name: 'it is said to be compressed and no way is named',
    body: grpcMessage(Buffer.alloc(3), { flag: 1 }),
    answer: INTERNAL,
  },
  // grpc-js looks at 1 alone: what has another flag is read as it is. Nobody is called like this.
  { name: 'its flag is 2', body: grpcMessage(Buffer.alloc(0), { flag: 2 }), answer: { grpc: status.NOT_FOUND } },
  { name: 'its flag is 255', body: grpcMessage(Buffer.alloc(0), { flag: 255 }), answer: { grpc: status.NOT_FOUND } },
  {
    name: 'it is compressed',
    headers: { 'grpc-encoding': 'gzip' },
    body: grpcMessage(Buffer.alloc(3), { flag: 1 }),
    answer: { grpc: status.UNIMPLEMENTED },
  },
  { name: 'the time limit is no number', headers: { 'grpc-timeout': 'soon' }, body: EMPTY, answer: INTERNAL },
  { name: 'the path is empty', headers: { ':path': '/' }, body: EMPTY, answer: { grpc: status.UNIMPLEMENTED } },
  {
    name: 'the path has letters that no header may have',
    headers: { ':path': '/%zz/\u00ff\u00fe' },
    body: EMPTY,
    answer: { grpc: status.UNIMPLEMENTED },
  },
  { name: 'it is no gRPC', headers: { 'content-type': 'text/plain' }, body: EMPTY, answer: { http: 415 } },
  { name: 'it has no type', headers: { 'content-type': undefined }, body: EMPTY, answer: { http: 415 } },
];

function lies(stage: Stage): void {
  for (const { name, headers = {}, body, answer } of LIES) {
    stage.test(`a call that is malformed has a status for an answer: ${name}`, async () => {
      const end = await callOverHttp2(stage.daemon.address, { ':path': STAT, ...headers }, body);
      if ('http' in answer) assert.is(end.http, answer.http);
      else assert.is(status[end.grpc ?? -1], status[answer.grpc]);
    });
  }
}

function bombs(stage: Stage): void {
  stage.test('compressed messages that would fill memory are refused (CVE-2024-37168)', async () => {
    const inner = gzipSync(Buffer.alloc(BOMB_BYTES / 16), { level: 9 });
    const bomb = grpcMessage(Buffer.concat(Array.from({ length: 16 }, () => inner)), { flag: 1 });
    const headers = { ':path': STAT, 'grpc-encoding': 'gzip' };
    await withstand(
      stage,
      async (attack) => {
        do {
          const ends = await Promise.all(
            Array.from({ length: 8 }, () => callOverHttp2(stage.daemon.address, headers, bomb)),
          );
          for (const { grpc } of ends) assert.is(grpc, status.UNIMPLEMENTED);
        } while (!attack.over());
      },
      { name: 'compressed messages' },
    );
  });
}
