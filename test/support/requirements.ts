// What a test needs of the machine. What is skipped for the lack of it says so in the run's output.

import { accessSync, constants } from 'node:fs';

type Skip = { readonly skip: (name: string) => void };

/** `test` where this process is root and every tool is there, else its `skip`. */
export function asRootWith<Test extends Skip>(test: Test, ...tools: readonly string[]): Test | Test['skip'] {
  const missing = tools.filter((tool) => !isInstalled(tool));
  if (process.getuid?.() !== 0) missing.unshift('root');
  if (missing.length === 0) return test;
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
