// Completion for bash, without the package bash-completion. Keys are a client's text: they are never given to `compgen -W`,
// which expands what it gets, and each is quoted before it is offered. bash ends a word at ":" and "=", which keys and
// `--option=value` hold, so the word is read from the line itself.

import type { Completion, Option } from '../arguments.ts';
import type { Command, CommandGroup } from '../command.ts';
import { HELP_OPTION } from '../help.ts';
import { type CommandPath, commandPaths, singleQuoted } from './command-paths.ts';

export function bashScript(root: CommandGroup): string {
  const paths = commandPaths(root);
  const valued = new Set(
    paths
      .flatMap(({ command }) => optionsOf(command))
      .filter(({ value }) => value !== null)
      .flatMap(flags),
  );
  return `# bash completion for thinsnap. In ~/.bashrc:  source <(thinsnap completion bash)

_thinsnap_keys() {
  local key quoted
  while IFS= read -r key; do
    [[ $key == ['"-']* || $key != "$cur"* ]] && continue
    printf -v quoted '%q' "\${key#"$done"}"
    COMPREPLY+=("$quoted")
  done < <(thinsnap ls --quiet "\${dial[@]}" 2>/dev/null)
}

_thinsnap() {
  local line=\${COMP_LINE:0:COMP_POINT} cur done path= previous= word i
  local -a dial=()
  COMPREPLY=()
  cur=\${line##*[[:space:]]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${[...valued].join('|')})
        [[ \${COMP_WORDS[i + 1]} == '=' ]] && ((i++))
        case $word in --admin-address|--config) dial=("$word" "\${COMP_WORDS[i + 1]}") ;; esac
        ((i + 1 < COMP_CWORD)) || previous=$word
        ((i++))
        continue
        ;;
    esac
    case "\${path:+$path }$word" in
      ${paths
        .filter(({ words }) => words.length > 0)
        .map(({ words }) => singleQuoted(words.join(' ')))
        .join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  if [[ $cur == --*=* ]]; then
    previous=\${cur%%=*}
    cur=\${cur#*=}
    done=
  else
    done=\${cur%"\${cur##*:}"}
  fi
  case "$path/$previous" in
${paths.map(caseLines).join('')}  esac
}

complete -F _thinsnap thinsnap
`;
}

function caseLines({ words, command }: CommandPath): string {
  const path = words.join(' ');
  const valued = optionsOf(command).filter(({ value }) => value !== null);
  const values = valued.flatMap((option) =>
    flags(option).map((flag) => `    ${singleQuoted(`${path}/${flag}`)}) ${action(option.completion)} ;;\n`),
  );
  return `${values.join('')}    ${singleQuoted(`${path}/`)}) ${wordAction(command)} ;;\n`;
}

/** For a word that is no option's value: an option after "-", else a command or an operand. */
function wordAction(command: Command | CommandGroup): string {
  const options = [...optionsOf(command), HELP_OPTION].map(({ name }) => `--${name}`);
  const offered = offer(options);
  if (command.kind === 'group')
    return `if [[ $cur == -* ]]; then ${offered}; else ${offer(command.members.map(({ name }) => name))}; fi`;
  const [operand] = command.operands;
  const rest = operand === undefined ? offered : action(operand.completion);
  return `if [[ $cur == -* ]]; then ${offered}; else ${rest}; fi`;
}

function action(completion: Completion): string {
  switch (completion) {
    case 'nothing':
      return ':';
    case 'file':
      return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur")';
    case 'directory':
      return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur")';
    case 'key':
      return '_thinsnap_keys';
    default:
      return offer(completion);
  }
}

/** Words of our own: letters and "-" alone. */
function offer(words: readonly string[]): string {
  return `mapfile -t COMPREPLY < <(compgen -W ${singleQuoted(words.join(' '))} -- "$cur")`;
}

function optionsOf(command: Command | CommandGroup): readonly Option[] {
  return command.kind === 'group' ? [] : command.options;
}

function flags({ name, short }: Option): string[] {
  return short === null ? [`--${name}`] : [`--${name}`, `-${short}`];
}
