// `thinsnap config show`: the configuration in effect as a TOML file that gives the same again, with where each value
// came from.

import { CONFIG_OPTIONS, toSources } from '../../config/flags.ts';
import { type LoadedConfig, loadConfig } from '../../config/load-config.ts';
import { FIELDS, SETTINGS, type Written, writeField } from '../../config/settings.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { jsonOption } from '../options.ts';
import type { Writer } from '../writer.ts';

export const configShow: Command = {
  kind: 'command',
  name: 'show',
  summary: 'print the configuration in effect and where each value came from',
  about: 'Shows the configuration that thinsnapd would have with the same options.',
  options: [...CONFIG_OPTIONS, jsonOption('{"KEY": {"value": ..., "origin": ...}, ...}')],
  operands: [],
  notes: ['The output is a configuration file itself; behind each value stands where it came from.'],
  examples: [
    'thinsnap config show --config /etc/thinsnap/config.toml',
    'thinsnap config show --config /etc/containerd/config.toml > /etc/thinsnap/config.toml',
  ],
  run: async (found, writer) => {
    const loaded = await loadConfig(toSources(found));
    writer.out(found.switches.has('json') ? toJson(loaded) : toToml(loaded, writer));
    return EXIT_OK;
  },
};

/** Loading it gives the same configuration. */
export function toToml(loaded: LoadedConfig, writer: Pick<Writer, 'paint'>): string {
  const rows = rowsOf(loaded).map(({ key, value, origin }) => ({ key, value: tomlValue(value), origin }));
  const keyWidth = Math.max(...rows.map(({ key }) => key.length));
  const pairs = rows.map(({ key, value, origin }) => ({ text: `${key.padEnd(keyWidth)} = ${value}`, origin }));
  const pairWidth = Math.max(...pairs.map(({ text }) => text.length));
  return pairs
    .map(({ text, origin }) => `${text.padEnd(pairWidth)}  ${writer.paint('quiet', `# ${origin}`)}\n`)
    .join('');
}

function toJson(loaded: LoadedConfig): string {
  const entries = rowsOf(loaded).map(({ key, value, origin }) => [key, { value, origin }]);
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

function rowsOf({ config, origins }: LoadedConfig): readonly { key: string; value: Written; origin: string }[] {
  return FIELDS.map((field) => ({
    key: SETTINGS[field].key,
    value: writeField(field, config[field]),
    origin: origins.get(field) ?? 'default',
  }));
}

// JSON's numbers, booleans and texts are TOML's too, and no text here holds a control character: it was read before.
function tomlValue(value: Written): string {
  if (typeof value !== 'object') return JSON.stringify(value);
  return `[${value.map((word) => JSON.stringify(word)).join(', ')}]`;
}
