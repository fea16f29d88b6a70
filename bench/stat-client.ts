// The Node.js client of the Stat bench, for machines without Go: for every line on stdin, a number of milliseconds, it
// keeps its calls in flight that long and prints how many were answered.
//
//   node stat-client.js SOCKET CALLS-IN-FLIGHT KEY ...

import { createInterface } from 'node:readline';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  Snapshots,
  StatSnapshotRequestSchema,
} from '../src/main/rpc/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { GrpcClient } from '../test/support/grpc-client.ts';

const PATH = `/${Snapshots.typeName}/${Snapshots.method.stat.name}`;

const [address = '', inFlight = '', ...keys] = process.argv.slice(2);
const client = new GrpcClient(address);
// Made beforehand, and answers are left as bytes: what the client computes, the daemon cannot.
const requests = keys.map((key) => toBinary(StatSnapshotRequestSchema, create(StatSnapshotRequestSchema, { key })));

async function measure(durationMs: number): Promise<number> {
  const endMs = performance.now() + durationMs;
  let calls = 0;
  const caller = async (first: number): Promise<void> => {
    for (let next = first; performance.now() < endMs; next += Number(inFlight)) {
      const request = requests[next % requests.length];
      if (request === undefined) throw new Error('No keys were given');
      await client.raw(PATH, request);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, (_, number) => caller(number)));
  return calls;
}

for await (const line of createInterface(process.stdin)) process.stdout.write(`${await measure(Number(line))}\n`);
client.close();
