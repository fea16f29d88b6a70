// A second process for tests of what only a second process shows: a module text, the lines it prints, its end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { withTimeout } from './with-timeout.ts';

/** From its start to a line, on a machine that does much else. */
const LINE_LIMIT_MS = 30_000;

export interface NodeChild {
  readonly pid: number;
  nextLine(): Promise<string>;
  /** SIGKILL; resolves once it is gone, and answers the lines that nobody had asked for. */
  kill(): Promise<string[]>;
}

/** Runs `script`, an ES module's text, while `action` runs. It finds `args` from process.argv[1] on. */
export async function withNodeChild(
  script: string,
  args: readonly string[],
  action: (child: NodeChild) => Promise<void>,
): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'close');
  const reader = createInterface({ input: child.stdout });
  const lines: string[] = [];
  let wake = (): void => undefined;
  reader.on('line', (line) => {
    lines.push(line);
    wake();
  });
  const take = async (): Promise<string> => {
    for (;;) {
      const line = lines.shift();
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const kill = async (): Promise<string[]> => {
    child.kill('SIGKILL');
    await gone;
    return lines.splice(0);
  };
  try {
    await action({
      pid: child.pid ?? 0,
      nextLine: () => withTimeout(take(), LINE_LIMIT_MS, 'a line of the child'),
      kill,
    });
  } finally {
    await kill();
  }
}
