// Completion scripts in the shells themselves. What a client named a snapshot is offered quoted, and never run.

import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withTools } from '../../../support/requirements.ts';
import { withScratch } from '../../../support/scratch.ts';
import { run } from '../support.ts';

const test = suite('completion');

const SHELL_LIMIT_MS = 20_000;

/** A `thinsnap` that answers these keys, whatever it is asked. */
const KEYS = ['sha256:aaa', 'sha256:abb', 'default/1/web', '$(touch ran)', 'a b;touch ran', '"quoted\\n"', '--help'];

async function inShell(shell: string, script: string): Promise<string> {
  let printed = '';
  await withScratch(async (dir) => {
    const { out } = await run('completion', shell);
    await writeFile(join(dir, 'completion'), out);
    await mkdir(join(dir, 'bin'));
    const keys = KEYS.map((key) => `${key}\n`).join('');
    await writeFile(join(dir, 'bin', 'thinsnap'), `#!/bin/sh\ncat <<'END'\n${keys}END\n`, { mode: 0o755 });
    const { PATH: path = '' } = process.env;
    const env = { ...process.env, PATH: `${join(dir, 'bin')}:${path}`, HOME: dir };
    printed = await new Promise((resolve, reject) => {
      const options = { cwd: dir, env, timeout: SHELL_LIMIT_MS };
      execFile(shell, ['-c', script], options, (error, stdout, stderr) =>
        error === null && stderr === '' ? resolve(stdout) : reject(error ?? new Error(stderr)),
      );
    });
    assert.not.ok((await readdir(dir)).includes('ran'), 'a key was run');
  });
  return printed;
}

/** What bash offers for a line whose words, as bash cuts them, are these. */
function inBash(...words: readonly string[]): Promise<string> {
  const line = words.reduce((text, word) => {
    return /^[:=]$/.test(word) || /[:=]$/.test(text) ? text + word : `${text} ${word}`;
  });
  const quoted = words.map((word) => `'${word}'`).join(' ');
  return inShell(
    'bash',
    `source ./completion; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}
    _thinsnap 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`,
  );
}

const LINES: readonly (readonly [readonly string[], string])[] = [
  [['thinsnap', 's'], 'status\n'],
  [['thinsnap', 'config', ''], 'check\nshow\n'],
  [['thinsnap', 'catalog', ''], 'backup\nrestore\nrepair\n'],
  [['thinsnap', 'catalog', 'restore', '--ro'], '--root-path\n'],
  [['thinsnap', 'config', 'show', '--l'], '--log-level\n'],
  [['thinsnap', 'config', 'show', '--log-level', 'de'], 'debug\n'],
  [['thinsnap', 'config', 'show', '--log-level', '=', 'de'], 'debug\n'],
  [['thinsnap', 'ls', '--sort', 'u'], 'updated\nusage\n'],
  [['thinsnap', 'ls', '-s', 'u'], 'updated\nusage\n'],
  [['thinsnap', 'ls', '--sort', 'usage', '--rev'], '--reverse\n'],
  [['thinsnap', 'completion', 'z'], 'zsh\n'],
  // The value of --config is no command.
  [['thinsnap', 'status', '--config', 'ls', '--w'], '--watch\n'],
  // bash replaces only what stands behind the colon.
  [['thinsnap', 'inspect', 'sha256', ':', 'a'], 'aaa\nabb\n'],
  [['thinsnap', 'inspect', 'sha'], 'sha256:aaa\nsha256:abb\n'],
  [['thinsnap', 'tree', 'd'], 'default/1/web\n'],
  [['thinsnap', 'inspect', '$'], String.raw`\$\(touch\ ran\)${'\n'}`],
  [['thinsnap', 'inspect', 'a'], String.raw`a\ b\;touch\ ran${'\n'}`],
  [['thinsnap', 'gc', ''], '--json\n--admin-address\n--config\n--help\n'],
];

for (const [words, expected] of LINES) {
  test(`bash completes "${words.join(' ')}"`, async () => {
    assert.is(await inBash(...words), expected);
  });
}

for (const shell of ['bash', 'zsh', 'fish']) {
  test(`thinsnap completion ${shell} names every command, and each option of it`, async () => {
    const { out, status } = await run('completion', shell);
    assert.is(status, 0);
    for (const word of ['status', 'ls', 'tree', 'inspect', 'gc', 'events', 'config', 'show', 'interval', 'quoted']) {
      assert.ok(out.includes(word), word);
    }
  });

  // zsh and fish are on few machines; where they are, their own parsers judge.
  withTools(test, shell)(`${shell} finds no mistake in its completion script`, async () => {
    await inShell(shell, shell === 'fish' ? 'fish --no-execute ./completion' : `${shell} -n ./completion`);
  });
}

withTools(test, 'fish')('fish completes commands, options and keys', async () => {
  const ask = (line: string): string => `complete -C '${line}' | string replace --regex '\\t.*' ''; echo end;`;
  const script = `source ./completion; ${['thinsnap s', 'thinsnap ls --so', 'thinsnap ls --sort us', 'thinsnap inspect sha'].map(ask).join(' ')}`;
  assert.is(await inShell('fish', script), 'status\nend\n--sort\nend\nusage\nend\nsha256:aaa\nsha256:abb\nend\n');
});

test('thinsnap completion refuses a shell that it does not know', async () => {
  const { status, error } = await run('completion', 'csh');
  assert.is(status, 2);
  assert.match(error, /SHELL is one of bash, zsh, fish/);
});

test.run();
