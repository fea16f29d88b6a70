// What a command of `thinsnap` is, and how a command line finds the one it means. Nothing here knows which there are.

import { FaultError, toFault } from '../../shared/faults.ts';
import { quote } from '../config/problems.ts';
import { didYouMean } from '../config/suggest.ts';
import { UsageError } from './arguments.ts';
import type { Writer } from './writer.ts';

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

export interface Command {
  readonly kind: 'command';
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  readonly help: string;
  /** Answers the exit status. A UsageError becomes 2, any other fault 1, both with its message on standard error. */
  readonly run: (args: readonly string[], writer: Writer) => Promise<number>;
}

export interface CommandGroup {
  readonly kind: 'group';
  readonly name: string;
  readonly summary: string;
  readonly members: readonly (Command | CommandGroup)[];
}

/** Runs what `args` name below `group` and answers the exit status. `group.name` is the whole command line up to it. */
export async function runGroup(group: CommandGroup, args: readonly string[], writer: Writer): Promise<number> {
  const [word, ...rest] = args;
  if (isHelp(word)) {
    writer.out(groupHelp(group));
    return EXIT_OK;
  }
  const member = group.members.find(({ name }) => name === word);
  if (word === undefined || member === undefined) {
    writer.error(`${group.name}: ${wrongWord(word, group)}\nSee "${group.name} --help".\n`);
    return EXIT_USAGE;
  }
  const title = `${group.name} ${member.name}`;
  if (member.kind === 'group') return runGroup({ ...member, name: title }, rest, writer);
  if (rest.some(isHelp)) {
    writer.out(member.help);
    return EXIT_OK;
  }
  return runCommand({ ...member, name: title }, rest, writer);
}

async function runCommand(command: Command, args: readonly string[], writer: Writer): Promise<number> {
  try {
    return await command.run(args, writer);
  } catch (error) {
    if (error instanceof UsageError) {
      writer.error(`${command.name}: ${error.message}\nSee "${command.name} --help".\n`);
      return EXIT_USAGE;
    }
    writer.error(error instanceof FaultError ? `${error.message}\n` : `${command.name}: ${toFault(error).message}\n`);
    return EXIT_FAILED;
  }
}

function wrongWord(word: string | undefined, { members }: CommandGroup): string {
  if (word === undefined) return 'a command is missing';
  const names = members.map(({ name }) => name);
  return `${quote(word)} is no command here${didYouMean(word, names)}`;
}

function groupHelp({ name, summary, members }: CommandGroup): string {
  const width = Math.max(...members.map((member) => member.name.length));
  const lines = members.map((member) => `  ${member.name.padEnd(width)}  ${member.summary}`);
  return `${summary}\n\nUsage: ${name} COMMAND\n\nCommands:\n${lines.join('\n')}\n\n"${name} COMMAND --help" tells more of each.\n`;
}

function isHelp(word: string | undefined): boolean {
  return word === '--help' || word === '-h';
}
