// What a command of `thinsnap` is, and how a command line finds the one it means. Nothing here knows which there are.

import { type FaultCode, FaultError, toFault } from '../../shared/faults.ts';
import { quote } from '../config/problems.ts';
import { didYouMean } from '../config/suggest.ts';
import { type Arguments, parseArguments, UsageError } from './arguments.ts';
import { commandHelp, type HelpText, rows } from './help.ts';
import { plainLines } from './show/plain-text.ts';
import type { Writer } from './writer.ts';

// docs/cli.md tells people what each one means.
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_NO_DAEMON = 3;
export const EXIT_NOT_FOUND = 4;

/** A fault with an exit status of its own. */
export class CommandError extends FaultError {
  readonly exitStatus: number;

  constructor(exitStatus: number, code: FaultCode, message: string) {
    super(code, message);
    this.exitStatus = exitStatus;
  }
}

export interface Command extends HelpText {
  readonly kind: 'command';
  readonly name: string;
  /** Answers the exit status. A UsageError becomes 2, a CommandError its own, any other fault 1, with its message. */
  readonly run: (found: Arguments, writer: Writer) => Promise<number>;
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
  const terminator = rest.indexOf('--');
  if (rest.slice(0, terminator === -1 ? undefined : terminator).some(isHelp)) {
    writer.out(commandHelp(title, member));
    return EXIT_OK;
  }
  return runCommand({ ...member, name: title }, rest, writer);
}

async function runCommand(command: Command, args: readonly string[], writer: Writer): Promise<number> {
  try {
    return await command.run(parseArguments(args, command), writer);
  } catch (error) {
    if (error instanceof UsageError) {
      writer.error(`${command.name}: ${error.message}\nSee "${command.name} --help".\n`);
      return EXIT_USAGE;
    }
    // The daemon's own words may quote what a client sent.
    const message = error instanceof FaultError ? error.message : `${command.name}: ${toFault(error).message}`;
    writer.error(`${plainLines(message)}\n`);
    return error instanceof CommandError ? error.exitStatus : EXIT_FAILED;
  }
}

function wrongWord(word: string | undefined, { members }: CommandGroup): string {
  if (word === undefined) return 'a command is missing';
  const names = members.map(({ name }) => name);
  return `${quote(word)} is no command here${didYouMean(word, names)}`;
}

function groupHelp({ name, summary, members }: CommandGroup): string {
  const list = rows(members.map((member) => [member.name, member.summary]));
  return `${summary}\n\nUsage: ${name} COMMAND\n\nCommands:\n${list}\n"${name} COMMAND --help" tells more of each, with examples.\n`;
}

function isHelp(word: string | undefined): boolean {
  return word === '--help' || word === '-h';
}
