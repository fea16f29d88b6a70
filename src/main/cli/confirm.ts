// A question before something is destroyed. Where nobody can be asked, --yes must have been given.

import { createInterface } from 'node:readline/promises';
import { UsageError } from './arguments.ts';

/** `question` without its "?". A UsageError where nobody can be asked. */
export async function confirm(question: string, { yes }: { readonly yes: boolean }): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(`${question}? Nobody can be asked here: give --yes`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question}? [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
