// Runs commands as an administrator would, beside the code under test.

import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { withTimeout } from '../../support/with-timeout.ts';

const COMMAND_LIMIT_MS = 180_000;
const run = promisify(execFile);

/** The output of a command that must succeed. */
export async function shell(command: string, ...commandArguments: readonly string[]): Promise<string> {
  const { stdout } = await run(command, commandArguments, { timeout: COMMAND_LIMIT_MS });
  return stdout.trim();
}

/**
 * A shell that stays, for what is run thousands of times: under User Mode Linux it makes a process in less than half the time that
 * Node.js takes, of which more has to be copied. One script at a time.
 */
export class LastingShell {
  static readonly #END = /(?:^|\n)thinsnap-test-end (\d+)\n$/;
  readonly #child = spawn('sh', [], { stdio: ['pipe', 'pipe', 'inherit'] });
  #output = '';
  #onOutput: () => void = () => undefined;

  constructor() {
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
      this.#onOutput();
    });
  }

  /** What it says, errors included; fails when its last command does. */
  async run(script: string): Promise<string> {
    this.#output = '';
    this.#child.stdin.write(`{ ${script}\n} </dev/null 2>&1; echo "\nthinsnap-test-end $?"\n`);
    const [end, status] = await withTimeout(this.#untilEnd(), COMMAND_LIMIT_MS, script);
    const said = this.#output.slice(0, -end.length).trim();
    if (status !== '0') throw new Error(`${script} failed: ${said}`);
    return said;
  }

  end(): void {
    this.#child.stdin.end();
  }

  #untilEnd(): Promise<RegExpExecArray> {
    return new Promise((resolve) => {
      this.#onOutput = () => {
        const found = LastingShell.#END.exec(this.#output);
        if (found !== null) resolve(found);
      };
    });
  }
}
