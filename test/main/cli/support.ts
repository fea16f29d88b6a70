// A writer that keeps what a command writes, and the built program run as a process.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runCli } from '../../../src/main/cli/run-cli.ts';

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

const PROGRAM = fileURLToPath(new URL('../../../src/main/thinsnap.js', import.meta.url));
const PROGRAM_TIMEOUT_MS = 20_000;

export async function run(...args: readonly string[]): Promise<Outcome> {
  let out = '';
  let error = '';
  const status = await runCli(args, {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    dim: (text) => text,
  });
  return { status, out, error };
}

export function runProgram(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { timeout: PROGRAM_TIMEOUT_MS };
    execFile(process.execPath, [PROGRAM, ...args], options, (failure, out, error) => {
      resolve({ status: typeof failure?.code === 'number' ? failure.code : 0, out, error });
    });
  });
}
