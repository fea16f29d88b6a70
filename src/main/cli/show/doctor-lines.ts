// What `thinsnap doctor` found, for people: a section for each group, and below what is not ok how to mend it.

import type { Finding, Level } from '../doctor/finding.ts';
import type { Style, Writer } from '../writer.ts';
import { foldLine } from './layout.ts';
import { plainLine } from './plain-text.ts';

type Screen = Pick<Writer, 'screen' | 'unicode' | 'paint'>;

export interface Examined {
  readonly name: string;
  readonly findings: readonly Finding[];
}

const STYLES: Record<Level, Style> = { ok: 'good', warning: 'warning', error: 'bad' };
const LEVEL_CHARS = 'warning'.length;
const INDENT = ' '.repeat(LEVEL_CHARS + 4);

export function doctorLines(examined: readonly Examined[], screen: Screen): readonly string[] {
  const all = examined.flatMap(({ findings }) => findings);
  const count = (level: Level): number => all.filter((finding) => finding.level === level).length;
  return [
    ...examined.flatMap(({ name, findings }) => [
      screen.paint('strong', name),
      ...findings.flatMap((finding) => findingLines(finding, screen)),
    ]),
    '',
    `${count('error')} errors, ${count('warning')} warnings, ${count('ok')} ok`,
  ];
}

function findingLines({ what, level, found, fix }: Finding, screen: Screen): readonly string[] {
  const [first = '', ...rest] = folded(`${what}: ${found}`, screen);
  const word = screen.paint(STYLES[level], level) + ' '.repeat(LEVEL_CHARS - level.length);
  const mend = fix === '' ? [] : folded(`Fix: ${fix}`, screen);
  return [`  ${word}  ${first}`, ...[...rest, ...mend].map((line) => INDENT + line)];
}

function folded(text: string, screen: Screen): readonly string[] {
  return foldLine(plainLine(text, screen), screen, INDENT.length);
}
