// A writer that keeps what a command writes, and the built program run as a process.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runCli } from '../../../src/main/cli/run-cli.ts';
import type { Writer } from '../../../src/main/cli/writer.ts';

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

const PROGRAM = fileURLToPath(new URL('../../../src/main/thinsnap.js', import.meta.url));
const PROGRAM_TIMEOUT_MS = 20_000;

/** What standard output is: a pipe that takes Unicode, unless a test says otherwise. */
export interface Screen {
  readonly screen: Writer['screen'];
  readonly unicode: boolean;
}

export const PIPE: Screen = { screen: null, unicode: true };

/** A writer that keeps what it gets; styles show as "<bad>text</bad>" on a terminal. */
export function keepingWriter({ screen, unicode }: Screen): Writer & { readonly kept: { out: string; error: string } } {
  const kept = { out: '', error: '' };
  return {
    kept,
    out: (text) => {
      kept.out += text;
    },
    error: (text) => {
      kept.error += text;
    },
    paint: (style, text) => (screen === null ? text : `<${style}>${text}</${style}>`),
    screen,
    unicode,
    closed: new AbortController().signal,
  };
}

export function run(...args: readonly string[]): Promise<Outcome> {
  return runOn(PIPE, ...args);
}

export async function runOn(screen: Screen, ...args: readonly string[]): Promise<Outcome> {
  const writer = keepingWriter(screen);
  const status = await runCli(args, writer);
  return { status, ...writer.kept };
}

export function runProgram(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { timeout: PROGRAM_TIMEOUT_MS };
    execFile(process.execPath, [PROGRAM, ...args], options, (failure, out, error) => {
      resolve({ status: typeof failure?.code === 'number' ? failure.code : 0, out, error });
    });
  });
}

/** What stands at a path in parsed JSON: `at(json, 'problems', 0, 'code')`; undefined where there is nothing. */
export function at(json: unknown, ...path: readonly (string | number)[]): unknown {
  let value = json;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === String(step))?.[1];
  }
  return value;
}
