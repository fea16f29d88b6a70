// The tree of commands, flattened for completion scripts: each command and group with the words that lead to it.

import type { Command, CommandGroup } from '../command.ts';

export interface CommandPath {
  /** Without the program's own name; empty for the whole program. */
  readonly words: readonly string[];
  readonly command: Command | CommandGroup;
}

/** Parents before children. */
export function commandPaths(root: CommandGroup): readonly CommandPath[] {
  return pathsBelow([], root);
}

function pathsBelow(words: readonly string[], command: Command | CommandGroup): CommandPath[] {
  const own = { words, command };
  if (command.kind === 'command') return [own];
  return [own, ...command.members.flatMap((member) => pathsBelow([...words, member.name], member))];
}

/** For a shell's single quotes. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
