// Runs commands as an administrator would, beside the code under test.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const COMMAND_LIMIT_MS = 180_000;
const run = promisify(execFile);

/** The output of a command that must succeed. */
export async function shell(command: string, ...commandArguments: readonly string[]): Promise<string> {
  const { stdout } = await run(command, commandArguments, { timeout: COMMAND_LIMIT_MS });
  return stdout.trim();
}
