// What a test needs of the machine. What is skipped for the lack of it says so in the run's output.

import { accessSync, constants } from 'node:fs';

type Skip = { readonly skip: (name: string) => void };

/** `test` where this process is root and every tool is there, else its `skip`. */
export function asRootWith<Test extends Skip>(test: Test, ...tools: readonly string[]): Test | Test['skip'] {
  return process.getuid?.() === 0 ? withTools(test, ...tools) : skipFor(test, ['root', ...missingOf(tools)]);
}

/** `test` where every tool is there, else its `skip`. */
export function withTools<Test extends Skip>(test: Test, ...tools: readonly string[]): Test | Test['skip'] {
  const missing = missingOf(tools);
  return missing.length === 0 ? test : skipFor(test, missing);
}

function missingOf(tools: readonly string[]): readonly string[] {
  return tools.filter((tool) => !isInstalled(tool));
}

function skipFor(test: Skip, missing: readonly string[]): (name: string) => void {
  return (name: string) => {
    process.stdout.write(`skipped for lack of ${missing.join(', ')}: ${name}\n`);
    test.skip(name);
  };
}

function isInstalled(tool: string): boolean {
  return ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((dir) => {
    try {
      accessSync(`${dir}/${tool}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
