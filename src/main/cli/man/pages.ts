// The manual pages, made from what commands, options and settings say of themselves: the same text as help and completion.

import { DAEMON_HELP } from '../../config/flags.ts';
import { SETTING_TEXTS } from '../../config/setting-texts.ts';
import { FIELDS, type Field, SETTINGS, type Written } from '../../config/settings.ts';
import { commandPaths } from '../completion/command-paths.ts';
import { HELP_OPTION, type HelpText, operandWord, optionWords } from '../help.ts';
import { COMMANDS, EXIT_TEXTS } from '../run-cli.ts';
import { definition, heading, paragraph, subheading, titleLines, verbatim } from './roff.ts';

export interface Page {
  /** "thinsnap.1". */
  readonly file: string;
  readonly text: string;
}

export function manPages(version: string): readonly Page[] {
  return [
    { file: 'thinsnap.1', text: join(commandPage(version)) },
    { file: 'thinsnapd.8', text: join(daemonPage(version)) },
    { file: 'thinsnap.toml.5', text: join(settingsPage(version)) },
  ];
}

function join(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function commandPage(version: string): readonly string[] {
  const commands = commandPaths(COMMANDS).flatMap(({ words, command }) =>
    command.kind === 'command' ? [{ title: ['thinsnap', ...words].join(' '), command }] : [],
  );
  return [
    ...titleLines({ name: 'thinsnap', section: 1, version }),
    heading('NAME'),
    'thinsnap \\- look after thinsnapd, which serves snapshots to containerd',
    heading('SYNOPSIS'),
    ...commands.flatMap(({ title, command }) => ['.br', ...synopsis(title, command)]),
    heading('DESCRIPTION'),
    ...paragraph(COMMANDS.summary),
    heading('COMMANDS'),
    ...commands.flatMap(({ title, command }) => [subheading(title), ...body(command)]),
    heading('EXIT STATUS'),
    ...[...EXIT_TEXTS].flatMap(([status, text]) => definition(String(status), text)),
    heading('SEE ALSO'),
    ...paragraph('thinsnapd(8), thinsnap.toml(5), dmsetup(8), thin_ls(8)'),
  ];
}

function daemonPage(version: string): readonly string[] {
  return [
    ...titleLines({ name: 'thinsnapd', section: 8, version }),
    heading('NAME'),
    'thinsnapd \\- serve containerd\\(aqs snapshots from a device\\-mapper thin pool',
    heading('SYNOPSIS'),
    ...synopsis('thinsnapd', DAEMON_HELP),
    heading('DESCRIPTION'),
    ...body(DAEMON_HELP),
    heading('SEE ALSO'),
    ...paragraph('thinsnap(1), thinsnap.toml(5)'),
  ];
}

function settingsPage(version: string): readonly string[] {
  return [
    ...titleLines({ name: 'thinsnap.toml', section: 5, version }),
    heading('NAME'),
    'thinsnap.toml \\- configuration of thinsnapd',
    heading('DESCRIPTION'),
    ...paragraph(
      'A file in TOML, all keys at the top level. thinsnapd --config FILE reads it; /etc/thinsnap/config.toml is where thinsnap looks for it. It must belong to root or the user of the daemon, and only its owner may write to it.',
    ),
    ...paragraph('"thinsnap config check FILE" tells every mistake in it with its line.'),
    heading('SETTINGS'),
    ...FIELDS.flatMap((field) => definition(settingTerm(field), SETTING_TEXTS[field])),
    heading('SEE ALSO'),
    ...paragraph('thinsnap(1), thinsnapd(8)'),
  ];
}

function settingTerm(field: Field): string {
  return `${SETTINGS[field].key} = ${JSON.stringify(defaultOf(field))}`;
}

// The parameter ties a setting's value to its own way to write it.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
function defaultOf<Name extends Field>(field: Name): Written {
  const { fallback, write } = SETTINGS[field];
  return write(fallback);
}

function synopsis(title: string, { options, operands }: HelpText): readonly string[] {
  const words = [title, ...(options.length > 0 ? ['[options]'] : []), ...operands.map(operandWord)];
  return [words.join(' ').replaceAll('-', '\\-')];
}

function body({ about, options, notes, examples }: HelpText): readonly string[] {
  return [
    ...paragraph(about),
    ...[...options, HELP_OPTION].flatMap((option) => definition(optionWords(option), option.help)),
    ...notes.flatMap((note) => (note.startsWith(' ') ? verbatim([note.trim()]) : paragraph(note))),
    ...paragraph(examples.length === 1 ? 'Example:' : 'Examples:'),
    ...verbatim(examples),
  ];
}
