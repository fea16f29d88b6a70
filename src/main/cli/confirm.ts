// A question before something is destroyed. Where nobody can be asked, --yes must have been given.

import { createInterface } from 'node:readline/promises';
import { UsageError } from './arguments.ts';

/** As much of a process as a question needs. */
export interface AskedHost {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

interface ConfirmOptions {
  readonly yes: boolean;
  readonly host?: AskedHost;
}

/** `question` without its "?". Ctrl-C and the end of the input mean no. A UsageError where nobody can be asked. */
export async function confirm(question: string, { yes, host = process }: ConfirmOptions): Promise<boolean> {
  if (yes) return true;
  if (host.stdin.isTTY !== true || host.stderr.isTTY !== true) {
    throw new UsageError(`${question}? Nobody can be asked here: give --yes`);
  }
  const terminal = createInterface({ input: host.stdin, output: host.stderr });
  try {
    const answer = await new Promise<string>((resolve) => {
      // Neither of the two settles the question by itself, and the workers would keep the process alive.
      terminal.once('close', () => resolve(''));
      terminal.once('SIGINT', () => resolve(''));
      terminal.question(`${question}? [y/N] `).then(resolve, () => resolve(''));
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
