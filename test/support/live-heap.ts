// What is alive in the heap of a daemon's main thread: on a signal Node.js collects it and writes it down
// (https://nodejs.org/api/cli.html#--heapsnapshot-signalsignal), and what it wrote is added up.

import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Daemon } from './daemon.ts';
import { isServing } from './grpc-client.ts';
import { until } from './until.ts';

const SIGNAL = 'SIGUSR2';
const WRITTEN_LIMIT_MS = 60_000;
/** Machine code, and what V8 keeps for itself: more of it for whatever V8 finds worth compiling. */
const V8_OWN = new Set(['code', 'hidden', 'object shape']);

interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
}

/** For the environment of a daemon whose heap is to be looked at; what it writes goes to `directory`. */
export function heapEnv(directory: string): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--heapsnapshot-signal=${SIGNAL} --diagnostic-dir=${directory}` };
}

/** Bytes of what the daemon's own code made: objects, strings, closures, buffers. The main thread stands still meanwhile. */
export async function liveBytes({ pid, client }: Daemon, directory: string): Promise<number> {
  process.kill(pid, SIGNAL);
  const file = await until(
    WRITTEN_LIMIT_MS,
    async () => (await readdir(directory)).find((name) => name.endsWith('.heapsnapshot')) ?? null,
    () => `no heap snapshot in ${directory}`,
  );
  // It answers again once all is written.
  await isServing(client.grpc);
  const path = join(directory, file);
  const { snapshot, nodes }: HeapSnapshot = JSON.parse(await readFile(path, 'utf8'));
  await rm(path);
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, size] = [fields.indexOf('type'), fields.indexOf('self_size')];
  let bytes = 0;
  for (let node = 0; node < nodes.length; node += fields.length) {
    const isV8s = V8_OWN.has(types[0][nodes[node + type] ?? -1] ?? '');
    if (!isV8s) bytes += nodes[node + size] ?? 0;
  }
  return bytes;
}
