// What a test file of test/vm asks of its guest, in a line among its first comments, or in several:
//
//   // vm: both pool THINSNAP_TEST_ENGINE=ioctl|dmsetup
//
// `plain` (without udevd, the default), `udev` or `both` choose the guest; `pool` has a thin pool made on the disks and
// named in THINSNAP_TEST_POOL; `qemu` keeps it from User Mode Linux, which has one processor and no null_blk; a variable
// with several values has the file run once with each, and with each combination.
//
// A line `// nightly: WHY` in a test file of test/vm or test/e2e leaves it to `npm run test:nightly`, and to who names it.

import { readFile } from 'node:fs/promises';

export const GUESTS = ['plain', 'udev'] as const;
export type Guest = (typeof GUESTS)[number];
/** What `test/vm/run` boots guests with. */
export const MACHINES = ['qemu', 'uml'] as const;
export type Machine = (typeof MACHINES)[number];

export interface Case {
  readonly file: string;
  readonly guest: Guest;
  /** Tells the cases of one file and guest apart; the file itself when there is only one. */
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly pool: boolean;
  /** It cannot run under User Mode Linux. */
  readonly qemu: boolean;
}

export function parseWishes(file: string, source: string): readonly Case[] {
  const lines = [...source.matchAll(/^\/\/ vm: *(.*)$/gm)].map(([, words = '']) => words);
  return (lines.length > 0 ? lines : ['']).flatMap((line) => parseLine(file, line));
}

function parseLine(file: string, line: string): readonly Case[] {
  const words = line.split(' ').filter((word) => word !== '');
  let guests: readonly Guest[] = ['plain'];
  let envs: readonly Readonly<Record<string, string>>[] = [{}];
  for (const word of words) {
    const guest = GUESTS.find((name) => name === word);
    const [, name, values] = /^([A-Z_]+)=(.+)$/.exec(word) ?? [];
    if (guest !== undefined) guests = [guest];
    else if (word === 'both') guests = GUESTS;
    else if (name !== undefined && values !== undefined) {
      envs = envs.flatMap((env) => values.split('|').map((value) => ({ ...env, [name]: value })));
    } else if (word !== 'pool' && word !== 'qemu') {
      throw new Error(
        `Cannot tell what ${file} asks for: "${word}" is none of plain, udev, both, pool, qemu, NAME=VALUE|...`,
      );
    }
  }
  const [pool, qemu] = [words.includes('pool'), words.includes('qemu')];
  return guests.flatMap((guest) =>
    envs.map((env) => ({ file, guest, name: [file, ...Object.values(env)].join(','), env, pool, qemu })),
  );
}

/** Why `file` is not among what `npm test` runs; null: it is. */
export async function leftToTheNight(file: string): Promise<string | null> {
  return parseNightly(await readSource(file));
}

export function parseNightly(source: string): string | null {
  return /^\/\/ nightly: *(.+)$/m.exec(source)?.[1] ?? null;
}

/** What `file` asks of `guest`. From the source: the compiler drops some comments. `file` is the compiled one, below dist/. */
export async function readCases(file: string, guest: Guest): Promise<readonly Case[]> {
  return parseWishes(file, await readSource(file)).filter((each) => each.guest === guest);
}

function readSource(file: string): Promise<string> {
  return readFile(file.replace(/^dist\//, '').replace(/\.js$/, '.ts'), 'utf8');
}
