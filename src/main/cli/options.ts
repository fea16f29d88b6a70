// Options that several commands have, in the same words.

import { type Arguments, type Option, UsageError } from './arguments.ts';

/** An option that takes nothing. */
export function flagOption(name: string, help: string, short: string | null = null): Option {
  return { name, short, value: null, help, completion: 'nothing' };
}

/** `shape`: what the output looks like. */
export function jsonOption(shape: string): Option {
  return flagOption('json', `as JSON: ${shape}`);
}

/** Where the daemon is. */
export const DAEMON_OPTIONS: readonly Option[] = [
  {
    name: 'admin-address',
    short: null,
    value: 'SOCKET',
    help: "the daemon's admin socket (default: as the configuration has it)",
    completion: 'file',
  },
  {
    name: 'config',
    short: null,
    value: 'FILE',
    help: "the daemon's configuration, for its admin_address (default /etc/thinsnap/config.toml if there is one)",
    completion: 'file',
  },
];

export const USAGE_OPTION: Option = flagOption(
  'usage',
  'also of active snapshots: the kernel is asked for each, and those not active are activated',
  'u',
);

/** For commands that take a KEY. */
export const KEY_OPTIONS: readonly Option[] = [
  flagOption('quoted', 'KEY is in double quotes and escaped, as thinsnap shows it'),
];

/** The operands KEY as they were meant. */
export function parseKeys({ operands, switches }: Arguments): readonly string[] {
  if (!switches.has('quoted')) return operands;
  return operands.map((text) => {
    const key = parseQuoted(text);
    if (key === null) throw new UsageError('--quoted takes a KEY in double quotes, escaped as in JSON');
    return key;
  });
}

/** Of a command that takes one; null where it was left out. */
export function parseKey(found: Arguments): string | null {
  return parseKeys(found)[0] ?? null;
}

function parseQuoted(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
