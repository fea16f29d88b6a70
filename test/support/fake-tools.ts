// Scripts in the place of the tools that a whole daemon runs, put there and taken away meanwhile: they hang, lie, die, or take their
// time and then do what they are for.

import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOOL_SEARCH_PATH, type ToolName } from '../../src/shared/tools.ts';
import { until } from './until.ts';

/** For a tool to be run, on a machine that does much else. */
const BEGIN_LIMIT_MS = 120_000;

/** A tool when it is run with that word among its arguments; empty: whenever. */
export interface Run {
  readonly tool: ToolName;
  readonly word: string;
}

export interface Begun {
  /** It leads a group of its own. */
  readonly pid: number;
  readonly args: string;
}

export class FakeTools {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async make(): Promise<FakeTools> {
    const dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
    await mkdir(join(dir, 'tools'));
    return new FakeTools(dir);
  }

  /** What a daemon must have in its environment to meet them. */
  get env(): Readonly<Record<string, string>> {
    return { THINSNAP_TOOL_PATH: `${join(this.#dir, 'tools')}:${TOOL_SEARCH_PATH}` };
  }

  /** From now on that run is `script`, in sh, and where the script goes on to its end, what the real tool does after it. */
  async put({ tool, word }: Run, script: string): Promise<void> {
    const begun = join(this.#dir, 'begun');
    await rm(begun, { force: true });
    const fake = `case "$*" in
*"${word}"*)
  echo $$ "$*" >${begun}.$$; mv ${begun}.$$ ${begun}
  ${script}
;;
esac`;
    await this.#write(tool, fake);
  }

  /** The real one again. What runs already runs on; what the kernel has just begun to run still finds a script. */
  async drop({ tool }: Run): Promise<void> {
    await this.#write(tool, ':');
  }

  /** With `script` in the place of that run while `action` runs. */
  async with<T>(run: Run, script: string, action: () => Promise<T>): Promise<T> {
    await this.put(run, script);
    try {
      return await action();
    } finally {
      await this.drop(run);
    }
  }

  /** Waits until the run that was put last has begun. */
  async begun({ tool, word }: Run): Promise<Begun> {
    const text = await until(
      BEGIN_LIMIT_MS,
      async () => (await readFile(join(this.#dir, 'begun'), 'utf8').catch(() => '')) || null,
      () => `${tool} ${word} was not run`,
    );
    const [, pid, args = ''] = /^(\d+) (.*)$/s.exec(text.trim()) ?? [];
    return { pid: Number(pid), args };
  }

  async #write(tool: ToolName, script: string): Promise<void> {
    const path = join(this.#dir, tool);
    await writeFile(path, `#!/bin/sh\nPATH=${TOOL_SEARCH_PATH}\n${script}\nexec ${tool} "$@"\n`);
    await chmod(path, 0o755);
    await rename(path, join(this.#dir, 'tools', tool));
  }

  async remove(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }
}
