// Runs one file's tasks and prints a line for each: how long one takes, and how sure that is. A task that fails ends it.

import { Bench } from 'tinybench';

const TIME_MS = 500;
const WARM_UP_MS = 250;
const NS_PER_MS = 1_000_000;

export type Tasks = Readonly<Record<string, () => unknown>>;

export async function runBench(tasks: Tasks): Promise<void> {
  const bench = new Bench({ time: TIME_MS, warmup: true, warmupTime: WARM_UP_MS, throws: true });
  for (const [name, task] of Object.entries(tasks)) bench.add(name, task);
  await bench.run();
  for (const { name, result } of bench.tasks) {
    if (result.state !== 'completed') throw new Error(`Cannot tell how long ${name} takes: it is ${result.state}`);
    const { p50, rme } = result.latency;
    process.stdout.write(`${name.padEnd(56)} ${show(p50).padStart(12)}  ± ${rme.toFixed(1)} %\n`);
  }
}

function show(ms: number): string {
  const ns = ms * NS_PER_MS;
  if (ns < 10_000) return `${ns.toFixed(0)} ns`;
  return ns < 10_000_000 ? `${(ns / 1000).toFixed(1)} µs` : `${ms.toFixed(1)} ms`;
}
