// What a run measured, as it stands in its JSON file: nothing is summed up, every call's latency is there.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Guest } from '../../test/runner/cases.ts';

/** Calls of one kind, measured together by bench/peer/load. */
export interface Phase {
  readonly name: string;
  /** Negative in the rounds that warm up and do not count. */
  readonly round: number;
  readonly wallMs: number;
  /** Of the calls that went well, in the order of their answers. */
  readonly latenciesMs: readonly number[];
  /** When those were answered, from the phase's start. */
  readonly answeredMs: readonly number[];
  /** Calls that failed, by what they failed with. */
  readonly failed?: Readonly<Record<string, number>>;
  readonly figures?: Readonly<Record<string, number>>;
}

/** `bare`: the loop of ioctls, with nothing of anyone around it. */
export type Side = 'peer' | 'thinsnap' | 'bare';

export interface Measurement {
  readonly side: Side;
  /** What differs from the same measurement of the same side: "sync", "async", "standby", "8 threads", "10000 present". */
  readonly variant: string;
  /** What bench/peer/load was asked for: "burst", "cycle" ... */
  readonly name: string;
  readonly phases: readonly Phase[];
  /** Figures that no call has: resident memory, the time to start. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface GuestResult {
  readonly guest: Guest;
  /** Its release. */
  readonly kernel: string;
  readonly measurements: readonly Measurement[];
}

/** One guest's result with what it ran on and what ran: each guest may be of another day. */
export interface DatedResult extends GuestResult {
  readonly about: Readonly<Record<string, string>>;
}

export type ResultFile = Readonly<Partial<Record<Guest, DatedResult>>>;

/** What `npm run bench:vm` has kept in that file; nothing where there is none. */
export async function readResults(path: string): Promise<ResultFile> {
  const text = existsSync(path) ? await readFile(path, 'utf8') : '{}';
  // The one cast: only this bench writes the file.
  return JSON.parse(text) as ResultFile;
}

/** The rounds that count. */
export function phasesOf(measurement: Measurement | undefined, name: string): readonly Phase[] {
  return (measurement?.phases ?? []).filter((phase) => phase.name === name && phase.round >= 0);
}

/** The first round after a start, which warms the side up; none where all rounds count. */
export function firstOf(measurement: Measurement | undefined, name: string): readonly Phase[] {
  const [first] = (measurement?.phases ?? []).filter((phase) => phase.name === name);
  return first !== undefined && first.round < 0 ? [first] : [];
}

/** Answers per second, over all of these rounds. */
export function rateOf(phases: readonly Phase[]): number {
  return perSecond(sum(phases.map(({ latenciesMs }) => latenciesMs.length)), sum(phases.map(({ wallMs }) => wallMs)));
}

export function perSecond(calls: number, wallMs: number): number {
  return (calls * 1_000) / wallMs;
}

/** The latency that `share` of all calls did not exceed, by nearest rank. */
export function percentileOf(phases: readonly Phase[], share: number): number {
  const latencies = phases.flatMap(({ latenciesMs }) => latenciesMs).toSorted((a, b) => a - b);
  return latencies[Math.max(0, Math.ceil(share * latencies.length) - 1)] ?? Number.NaN;
}

export function failuresOf(measurement: Measurement): readonly string[] {
  return measurement.phases.flatMap(({ name, failed = {} }) =>
    Object.entries(failed).map(([text, count]) => `${name}: ${count} calls: ${text}`),
  );
}

/** NaN where there is none: what is computed from it is not shown. */
export function figureOf(measured: Phase | Measurement | undefined, name: string): number {
  return measured?.figures?.[name] ?? Number.NaN;
}

export function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}
