// `thinsnap completion SHELL`: the script that makes a shell complete commands, options and keys.

import { UsageError } from '../arguments.ts';
import { type Command, type CommandGroup, EXIT_OK } from '../command.ts';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { zshScript } from '../completion/zsh.ts';

const SCRIPTS = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
]);
const SHELLS: readonly string[] = [...SCRIPTS.keys()];

/** `root`: all commands, this one among them. */
export function completionOf(root: () => CommandGroup): Command {
  return {
    kind: 'command',
    name: 'completion',
    summary: 'print what makes a shell complete commands and keys',
    about: `Prints the completion script for a shell: ${SHELLS.join(', ')}. Keys are asked of the daemon.`,
    options: [],
    operands: [{ name: 'SHELL', count: 'one', completion: SHELLS }],
    notes: ['Put the line of the example that is yours into the file that your shell reads at its start.'],
    examples: [
      'source <(thinsnap completion bash)',
      'source <(thinsnap completion zsh)',
      'thinsnap completion fish | source',
    ],
    run: async ({ operands }, writer) => {
      const [shell = ''] = operands;
      const script = SCRIPTS.get(shell);
      if (script === undefined) throw new UsageError(`SHELL is one of ${SHELLS.join(', ')}`);
      writer.out(script(root()));
      return EXIT_OK;
    },
  };
}
