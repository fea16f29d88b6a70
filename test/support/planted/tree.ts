// A copy of what was built, in which one place of the sources says something else.

import { cp, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { type Outcome, runChild } from '../../runner/child.ts';
import type { PlantedFault } from './faults.ts';

const COPIED = ['package.json', 'dist', 'proto', 'scripts', 'src', 'test'];
/** Those of tsconfig.json that change what comes out. Which kind of module it is would be looked up in a package. */
const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2023,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};
const COMPILE_LIMIT_MS = 60_000;
const TEST_LIMIT_MS = 600_000;

export class PlantedTree {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** A copy of `root`, a repository that is built. */
  static async make(root: string, dir: string): Promise<PlantedTree> {
    await mkdir(dir);
    for (const name of COPIED) await cp(join(root, name), join(dir, name), { recursive: true });
    await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
    return new PlantedTree(dir);
  }

  /** Runs `action` with the fault in the place. Throws when its text is not there once, or is no program. */
  async with<T>(fault: PlantedFault, action: () => Promise<T>): Promise<T> {
    const path = join(this.#dir, fault.file);
    const source = await readFile(path, 'utf8');
    await this.#compile(fault.file, planted(fault, source));
    try {
      return await action();
    } finally {
      await this.#compile(fault.file, source);
    }
  }

  /** How the test file `name` ends, in a process of its own. */
  run(name: string, tmpDir: string): Promise<Outcome> {
    return runChild([process.execPath, '--enable-source-maps', `dist/test/${name}.test.js`], {
      cwd: this.#dir,
      env: { ...process.env, TMPDIR: tmpDir, THINSNAP_MODEL_SHRINK: '0' },
      timeoutMs: TEST_LIMIT_MS,
      onOutput: () => undefined,
    });
  }

  async #compile(file: string, source: string): Promise<void> {
    await writeFile(join(this.#dir, file), source);
    const { outputText, diagnostics = [] } = ts.transpileModule(source, {
      compilerOptions: OPTIONS,
      fileName: file,
      reportDiagnostics: true,
    });
    const [problem] = diagnostics;
    if (problem !== undefined)
      throw new Error(`${file}: ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`);
    const output = join(this.#dir, 'dist', file.replace(/\.ts$/, '.js'));
    await writeFile(`${output}.new`, outputText);
    await rename(`${output}.new`, output);
    // What the programs are made of.
    const outcome = await runChild(['scripts/bundle'], {
      cwd: this.#dir,
      env: process.env,
      timeoutMs: COMPILE_LIMIT_MS,
      onOutput: () => undefined,
    });
    if (outcome.status !== 0) throw new Error(`${file}: ${outcome.output}`);
  }
}

/** `source` with the fault. */
export function planted({ file, text, instead }: PlantedFault, source: string): string {
  const places = source.split(text);
  if (places.length === 2) return places.join(instead);
  throw new Error(`${file} has ${JSON.stringify(text)} in ${places.length - 1} places instead of one`);
}
