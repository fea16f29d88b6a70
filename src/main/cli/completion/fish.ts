// Completion for fish: a line for each word that may follow, with the condition under which it may.

import type { Completion, Option } from '../arguments.ts';
import type { Command, CommandGroup } from '../command.ts';
import { HELP_OPTION } from '../help.ts';
import { type CommandPath, commandPaths } from './command-paths.ts';

export function fishScript(root: CommandGroup): string {
  return `# fish completion for thinsnap. In ~/.config/fish/config.fish:  thinsnap completion fish | source

function __thinsnap_keys
    thinsnap ls --quiet 2>/dev/null | string match --invert --regex '^["-]'
end

# Whether the words of a command stand at the line's beginning, and nothing else that is one of the words excluded.
function __thinsnap_at
    set --local path (string split ' ' -- $argv[1])
    set --local words (commandline --tokenize-at-cursor --cut-at-cursor 2>/dev/null; or commandline -opc)
    set --erase words[1]
    for word in $path
        test "$words[1]" = "$word"; or return 1
        set --erase words[1]
    end
    contains -- "$words[1]" $argv[2..]; and return 1
    return 0
end

complete --command thinsnap --no-files
${commandPaths(root).flatMap(linesOf).join('\n')}
`;
}

function linesOf({ words, command }: CommandPath): string[] {
  return command.kind === 'group' ? groupLines(words, command) : commandLines(words, command);
}

function groupLines(words: readonly string[], { members }: CommandGroup): string[] {
  const names = members.map(({ name }) => name);
  return members.map(({ name, summary }) => line(condition(words, names), `--arguments ${name}`, summary));
}

function commandLines(words: readonly string[], { options, operands }: Command): string[] {
  const at = condition(words, []);
  const lines = [...options, HELP_OPTION].map((option) => line(at, optionWords(option), option.help));
  const [operand] = operands;
  if (operand !== undefined && operand.completion !== 'nothing') lines.push(line(at, action(operand.completion), null));
  return lines;
}

function line(at: string, words: string, help: string | null): string {
  return `complete --command thinsnap --condition ${quoted(at)} ${words}${help === null ? '' : ` --description ${quoted(help)}`}`;
}

function condition(words: readonly string[], excluded: readonly string[]): string {
  return ['__thinsnap_at', `"${words.join(' ')}"`, ...excluded].join(' ');
}

function optionWords({ name, short, value, completion }: Option): string {
  const own = `${short === null ? '' : `--short-option ${short} `}--long-option ${name}`;
  if (value === null) return own;
  // Exclusive: it takes a value, and files are not offered for it.
  return completion === 'file'
    ? `${own} --require-parameter --force-files`
    : `${own} --exclusive ${action(completion)}`.trimEnd();
}

function action(completion: Completion): string {
  switch (completion) {
    case 'nothing':
      return '';
    case 'file':
      return '--force-files';
    case 'directory':
      return `--arguments '(__fish_complete_directories)'`;
    case 'key':
      return `--arguments '(__thinsnap_keys)'`;
    default:
      return `--arguments ${quoted(completion.join(' '))}`;
  }
}

/** fish's single quotes know two escapes. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
