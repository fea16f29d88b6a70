// The manual pages: all commands, options and settings are in them, and groff has nothing to say against them.

import { execFile } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { commandPaths } from '../../../../src/main/cli/completion/command-paths.ts';
import { manPages } from '../../../../src/main/cli/man/pages.ts';
import { COMMANDS } from '../../../../src/main/cli/run-cli.ts';
import { KEYS } from '../../../../src/main/config/settings.ts';
import { withScratch } from '../../../support/scratch.ts';

const test = suite('pages');
const run = promisify(execFile);
const GROFF = '/usr/bin/groff';

function pageOf(file: string): string {
  return manPages('1.2.3').find((page) => page.file === file)?.text ?? '';
}

test('thinsnap.1 has every command and option, thinsnap.toml.5 every setting', () => {
  const text = pageOf('thinsnap.1').replaceAll('\\-', '-');
  for (const { words, command } of commandPaths(COMMANDS)) {
    if (command.kind === 'group') continue;
    assert.ok(text.includes(`.SS "thinsnap ${words.join(' ')}"`), words.join(' '));
    for (const { name } of command.options) assert.ok(text.includes(`--${name}`), name);
  }
  const settings = pageOf('thinsnap.toml.5');
  for (const key of KEYS) assert.ok(settings.includes(`.B "${key} = `), key);
  assert.ok(pageOf('thinsnapd.8').replaceAll('\\-', '-').includes('--pool-name NAME'));
});

test('no line of a page is a request that roff does not know', () => {
  for (const { file, text } of manPages('1.2.3')) {
    for (const line of text.split('\n').filter((each) => /^[.']/.test(each))) {
      assert.match(line, /^\.(?:TH|SH|SS|PP|TP|B|br|nf|fi|RS|RE)\b/, `${file}: ${line}`);
    }
  }
});

const hasGroff = await access(GROFF).then(
  () => true,
  () => false,
);
const title = 'groff renders every page without a warning';
if (!hasGroff) process.stdout.write(`# not run, for ${GROFF} is not there: ${title}\n`);
const render = async (): Promise<void> => {
  await withScratch(async (dir) => {
    for (const { file, text } of manPages('1.2.3')) {
      const path = join(dir, file);
      await writeFile(path, text);
      const { stdout, stderr } = await run(GROFF, ['-man', '-Tutf8', '-ww', '-P-cbou', path], { maxBuffer: 1 << 24 });
      assert.is(stderr, '', file);
      assert.match(stdout, 'NAME');
    }
  });
};
if (hasGroff) test(title, render);
else test.skip(title, render);

test.run();
