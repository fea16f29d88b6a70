// What clients send reaches no command line and no path. strace looks on while names and labels that a shell, a path or a
// device-mapper table would make something of live a whole life.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { FIXED_ARGUMENTS } from '../../../src/workers/exec.ts';
import { codeOf } from '../../support/grpc-client.ts';
import { randomFrom } from '../../support/random.ts';
import { withTimeout } from '../../support/with-timeout.ts';
import type { Stage } from '../stage.ts';
import { CASES } from './calm.ts';

/** Stands in everything that is sent, and in nothing else. */
const MARK = 'zq7Mark';
const DRAWN = Math.min(100, Math.ceil(CASES / 200));
const STRACE_LIMIT_MS = 60_000;

export const PIECES: readonly string[] = [
  '; touch /tmp/x #',
  '$(id)',
  '`id`',
  '\n',
  '| sh',
  '--help',
  '-o remount,suid',
  '../../../../etc/passwd',
  '/dev/mapper/control',
  '1 0\n0 8 error',
  '%n%s%x',
  '\0',
  '\u001b[2J',
  '\\',
  '"',
  "'",
  '*',
  '{a,b}',
  '~root',
  'x'.repeat(200),
  '\u202e',
];

/** Every argument of every tool: letters of paths, numbers and options; and the texts that are constants. */
const ARGUMENT = /^[A-Za-z0-9_./:=,+-]*$/;
const FIXED: ReadonlySet<string> = new Set(Object.values(FIXED_ARGUMENTS));
/** Opened, named, executed; and what device-mapper is asked, which strace spells out with names, uuids and tables. */
const CALLS =
  'execve,open,openat,creat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,symlink,symlinkat,mount,ioctl';

export function injection(stage: Stage): void {
  injectionOf(PIECES, DRAWN)(stage);
}

/** With every piece of `pieces` once, and `drawn` times three of all. */
export function injectionOf(pieces: readonly string[], drawn: number): (stage: Stage) => void {
  return (stage) => register(stage, pieces, drawn);
}

function register(stage: Stage, pieces: readonly string[], drawn: number): void {
  stage.test('no byte of a name or a label reaches a command line or a path', async () => {
    const out = join(stage.daemon.root, 'strace');
    const tracer = spawn(
      'strace',
      ['-f', '-s', '65536', '-e', `trace=${CALLS}`, '-o', out, '-p', String(stage.daemon.pid)],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    const ended = once(tracer, 'close');
    try {
      // "strace: Process N attached ..."
      await withTimeout(once(tracer.stderr, 'data'), STRACE_LIMIT_MS, 'strace');
      const random = randomFrom(7);
      for (const piece of pieces) await live(stage, `${MARK}${stage.key()}${piece}`, piece);
      for (let made = 0; made < drawn; made += 1) {
        const text = Array.from({ length: 3 }, () => PIECES[Math.floor(random() * PIECES.length)]).join('');
        await live(stage, `${text}${stage.key()}${MARK}`, text);
      }
    } finally {
      tracer.kill('SIGINT');
      await withTimeout(ended, STRACE_LIMIT_MS, 'the end of strace');
    }
    const lines = (await readFile(out, 'latin1')).split('\n');
    assert.equal(
      lines.filter((line) => line.includes(MARK)),
      [],
    );
    const words = lines.filter((line) => line.includes('execve(')).flatMap(wordsOf);
    // cp or dmsetup at the least, for every Prepare.
    assert.ok(words.length >= pieces.length);
    assert.equal(
      [...new Set(words)].filter((word) => !ARGUMENT.test(word) && !FIXED.has(word)),
      [],
    );
  });
}

/** Prepare, Update, Commit, View, List and Remove of that name; the calls that can be refused may be. */
async function live({ client }: Stage, key: string, piece: string): Promise<void> {
  const labels = { [`${MARK}${piece}`]: `${MARK}${piece}`, 'containerd.io/snapshot.ref': `${MARK}${piece}` };
  await client.prepare(key, '', labels);
  await client.update({ name: key, labels: { [MARK]: piece } }, [`labels.${MARK}`]);
  await client.mounts(key);
  const name = `name ${key}`;
  await client.commit(name, key, labels);
  await client.view(key, name, labels);
  await client.usage(key);
  await codeOf(client.list(`name==${JSON.stringify(name)}`));
  const wishes = {
    'containerd.io/snapshot/devmapper/fstype': `${MARK}${piece}`,
    'containerd.io/snapshot/max-size': piece,
  };
  assert.is(await codeOf(client.prepare(`${key} wish`, '', wishes)), 'INVALID_ARGUMENT');
  await client.remove(key);
  await client.remove(name);
}

/** The words of `execve("/usr/bin/cp", ["cp", "--", ...], ...`, as strace quotes them. */
function wordsOf(line: string): readonly string[] {
  const list = /execve\("[^"]*", \[(.*)\], 0x/.exec(line)?.[1] ?? '';
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word);
}
