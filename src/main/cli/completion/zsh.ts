// Completion for zsh: one function for each command, with its help beside each option.

import type { Completion, Operand, Option } from '../arguments.ts';
import type { Command, CommandGroup } from '../command.ts';
import { HELP_OPTION } from '../help.ts';
import { type CommandPath, commandPaths, singleQuoted } from './command-paths.ts';

export function zshScript(root: CommandGroup): string {
  return `#compdef thinsnap
# zsh completion for thinsnap. In ~/.zshrc, behind compinit:  source <(thinsnap completion zsh)

_thinsnap_keys() {
  local -a keys
  keys=(\${(f)"$(thinsnap ls --quiet 2>/dev/null)"})
  keys=(\${keys:#[\\"-]*})
  compadd -a keys
}

${commandPaths(root).map(functionOf).join('\n')}
compdef _thinsnap thinsnap
`;
}

function functionOf({ words, command }: CommandPath): string {
  const name = ['_thinsnap', ...words].join('_');
  return command.kind === 'group' ? groupFunction(name, command) : commandFunction(name, command);
}

function groupFunction(name: string, { members }: CommandGroup): string {
  const described = members.map(
    (member) => `    ${singleQuoted(`${member.name}:${member.summary.replaceAll(':', '\\:')}`)}\n`,
  );
  const cases = members.map((member) => `    ${member.name}) shift words; ((CURRENT--)); ${name}_${member.name} ;;\n`);
  return `${name}() {
  local -a commands
  commands=(
${described.join('')}  )
  if ((CURRENT == 2)); then
    _describe -t commands command commands
    return
  fi
  case $words[2] in
${cases.join('')}  esac
}
`;
}

function commandFunction(name: string, { options, operands }: Command): string {
  const specs = [...[...options, HELP_OPTION].map(optionSpec), ...operands.map(operandSpec)];
  return `${name}() {
  _arguments -S \\
${specs.map((spec) => `    ${spec}`).join(' \\\n')}
}
`;
}

/** \`'(-w --watch)'{-w,--watch}'[help]:VALUE:action'\`. */
function optionSpec({ name, short, value, help, completion }: Option): string {
  const text = help.replaceAll(/[[\]\\:]/g, '\\$&');
  const rest = `[${text}]${value === null ? '' : `:${value}:${action(completion)}`}`;
  if (short === null) return singleQuoted(`--${name}${value === null ? '' : '='}${rest}`);
  return `${singleQuoted(`(-${short} --${name})`)}{-${short},--${name}}${singleQuoted(rest)}`;
}

function operandSpec({ name, count, completion }: Operand): string {
  const place = count === 'any' ? '*' : count === 'one' ? '1' : '1:';
  return singleQuoted(`${place}:${name}:${action(completion)}`);
}

function action(completion: Completion): string {
  switch (completion) {
    case 'nothing':
      return ' ';
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    case 'key':
      return '_thinsnap_keys';
    default:
      return `(${completion.join(' ')})`;
  }
}
