// Reads a command line by a list of its options, over node:util's parseArgs, whose own messages are written for
// programmers. What is not on the list is refused with the nearest word that is.

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { FaultError } from '../../shared/faults.ts';
import { quote } from '../config/problems.ts';
import { didYouMean } from '../config/suggest.ts';

/** What a shell may offer for a value; a list: these words. `key`: a snapshot's, asked of the daemon. */
export type Completion = 'nothing' | 'file' | 'directory' | 'key' | readonly string[];

/** `value`: what the option takes, as help shows it ("FILE"); null: it takes nothing. */
export interface Option {
  readonly name: string;
  readonly short: string | null;
  readonly value: string | null;
  /** For help: one line however long, without a full stop. */
  readonly help: string;
  readonly completion: Completion;
}

/** What stands without a flag. Only the last ones may be left out, and only the last one may come more than once. */
export interface Operand {
  /** As help shows it: "FILE". */
  readonly name: string;
  readonly count: 'one' | 'at most one' | 'any';
  readonly completion: Completion;
}

export interface ArgumentRules {
  readonly options: readonly Option[];
  readonly operands: readonly Operand[];
}

export interface Arguments {
  readonly values: ReadonlyMap<string, string>;
  readonly switches: ReadonlySet<string>;
  readonly operands: readonly string[];
}

/** A command line that cannot be understood: exit status 2. */
export class UsageError extends FaultError {
  constructor(message: string) {
    super('invalid', message);
  }
}

export function parseArguments(args: readonly string[], rules: ArgumentRules): Arguments {
  const values = new Map<string, string>();
  const switches = new Set<string>();
  const operands: string[] = [];
  for (const token of tokensOf(args, rules.options)) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      operands.push(token.value);
      continue;
    }
    const option = rules.options.find(({ name }) => name === token.name);
    if (option === undefined) throw unknownOption(token.rawName, rules.options);
    if (values.has(option.name) || switches.has(option.name)) throw new UsageError(`${token.rawName} is given twice`);
    if (option.value === null) {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
      switches.add(option.name);
    } else {
      values.set(option.name, checkValue(token, option.value));
    }
  }
  checkOperands(operands, rules.operands);
  return { values, switches, operands };
}

type Tokens = NonNullable<ReturnType<typeof parseArgs<{ tokens: true; strict: false }>>['tokens']>;

function tokensOf(args: readonly string[], options: readonly Option[]): Tokens {
  const config: NonNullable<ParseArgsConfig['options']> = {};
  for (const { name, short, value } of options) {
    config[name] = { type: value === null ? 'boolean' : 'string', ...(short === null ? {} : { short }) };
  }
  const { tokens } = parseArgs({
    args: [...args],
    options: config,
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  return tokens;
}

function checkValue(
  token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
  shown: string,
): string {
  const { rawName, value, inlineValue } = token;
  if (value === undefined) throw new UsageError(`${rawName} needs a value: ${rawName} ${shown}`);
  if (inlineValue !== true && value.startsWith('-')) {
    throw new UsageError(
      `${rawName} needs a value, found ${quote(value)}; one that begins with "-" goes as ${rawName}=${shown}`,
    );
  }
  return value;
}

function checkOperands(operands: readonly string[], expected: readonly Operand[]): void {
  const stray = operands[expected.length];
  if (stray !== undefined && expected.at(-1)?.count !== 'any')
    throw new UsageError(`${quote(stray)} is one argument too many`);
  const absent = expected[operands.length];
  if (absent?.count === 'one') throw new UsageError(`${absent.name} is missing`);
}

function unknownOption(rawName: string, options: readonly Option[]): UsageError {
  const names = options.map(({ name }) => name);
  return new UsageError(`${quote(rawName)} is no option here${didYouMean(rawName.replace(/^-+/, ''), names, '--')}`);
}
