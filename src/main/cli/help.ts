// Help as text: one form for every command, made from what the command says of itself, so that help, completion and
// whatever else is made from it cannot drift apart.

import type { ArgumentRules, Operand, Option } from './arguments.ts';

/** Narrow enough for any terminal; help is not cut to its width. */
const LINE_CHARS = 88;
const GAP = '  ';

export const HELP_OPTION: Option = {
  name: 'help',
  short: 'h',
  value: null,
  help: 'print this and end',
  completion: 'nothing',
};

/** What a command says of itself. */
export interface HelpText extends ArgumentRules {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What it does, in one or two sentences: the first lines of its help. */
  readonly about: string;
  /** Paragraphs that follow the options; each is one line however long, or lines that begin with a blank. */
  readonly notes: readonly string[];
  /** Whole command lines. */
  readonly examples: readonly string[];
}

/** `title`: the whole command line up to its options, "thinsnap config show". */
export function commandHelp(title: string, { about, options, operands, notes, examples }: HelpText): string {
  const words = operands.map(operandWord);
  const usage = ['Usage:', title, ...(options.length > 0 ? ['[options]'] : []), ...words].join(' ');
  return [
    ...wrap(about),
    '',
    usage,
    '',
    'Options:',
    optionsHelp([...options, HELP_OPTION]),
    ...notes.flatMap((note) => [...(note.startsWith(' ') ? [note] : wrap(note)), '']),
    examples.length === 1 ? 'Example:' : 'Examples:',
    ...examples.map((line) => `  ${line}`),
    '',
  ].join('\n');
}

/** A line or more for each, all lines ended. */
function optionsHelp(options: readonly Option[]): string {
  return rows(options.map((option) => [optionWords(option), option.help]));
}

/** Two columns, the second one folded. */
export function rows(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([left]) => left.length));
  const indent = ' '.repeat(GAP.length + width + GAP.length);
  return pairs
    .map(([left, right]) => {
      const [first = '', ...rest] = wrap(right, LINE_CHARS - indent.length);
      return [`${GAP}${left.padEnd(width)}${GAP}${first}`, ...rest.map((line) => indent + line)].join('\n');
    })
    .map((row) => `${row}\n`)
    .join('');
}

export function operandWord({ name, count }: Operand): string {
  switch (count) {
    case 'one':
      return name;
    case 'at most one':
      return `[${name}]`;
    case 'any':
      return `[${name}]...`;
  }
}

export function optionWords({ name, short, value }: Option): string {
  return `${short === null ? '' : `-${short}, `}--${name}${value === null ? '' : ` ${value}`}`;
}

function wrap(text: string, chars = LINE_CHARS): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= chars) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
