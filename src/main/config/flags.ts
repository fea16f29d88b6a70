// The daemon's command line. The flags that set something are shared with the commands of `thinsnap` that read the
// daemon's configuration.

import { type Arguments, type Option, parseArguments, UsageError } from '../cli/arguments.ts';
import type { ConfigSources } from './load-config.ts';

export type DaemonCommand =
  | { readonly kind: 'run'; readonly sources: ConfigSources }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  /** `message` is for standard error; the exit status is `USAGE_EXIT_STATUS`. */
  | { readonly kind: 'refused'; readonly message: string };

export const USAGE_EXIT_STATUS = 2;

export const CONFIG_OPTIONS: readonly Option[] = [
  { name: 'config', short: null, value: 'FILE' },
  { name: 'root-path', short: null, value: 'DIR' },
  { name: 'pool-name', short: null, value: 'NAME' },
  { name: 'address', short: null, value: 'SOCKET' },
  { name: 'log-level', short: null, value: 'LEVEL' },
];

export const CONFIG_OPTIONS_HELP = `  --config FILE       thinsnap's own TOML file, or containerd's config.toml, whose
                      devmapper table is then read
  --root-path DIR     where everything is kept      (default /var/lib/thinsnap)
  --pool-name NAME    thin pool under /dev/mapper   (default none)
  --address SOCKET    where containerd connects     (default /run/thinsnap/thinsnap.sock)
  --log-level LEVEL   trace, debug, info, warn, error or fatal  (default info)`;

export const HELP_OPTION: Option = { name: 'help', short: 'h', value: null };
export const VERSION_OPTION: Option = { name: 'version', short: 'v', value: null };

export const daemonHelp = `thinsnapd serves containerd's snapshots from a device-mapper thin pool.

Usage: thinsnapd [options]

Options:
${CONFIG_OPTIONS_HELP}
  -v, --version       print the version and end
  -h, --help          print this and end

A flag wins over the file, the file over the default. "thinsnap config show" with the
same options prints what is in effect and where each value came from.

Examples:
  thinsnapd --config /etc/thinsnap/config.toml
  thinsnapd --config /etc/containerd/config.toml
  thinsnapd --pool-name vg0-pool --root-path /srv/thinsnap --log-level debug
`;

const DAEMON_OPTIONS: readonly Option[] = [...CONFIG_OPTIONS, HELP_OPTION, VERSION_OPTION];

/** `args`: without node and the script. */
export function parseDaemonFlags(args: readonly string[]): DaemonCommand {
  try {
    const found = parseArguments(args, { options: DAEMON_OPTIONS, operands: [] });
    if (found.switches.has('help')) return { kind: 'help' };
    if (found.switches.has('version')) return { kind: 'version' };
    return { kind: 'run', sources: toSources(found) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { kind: 'refused', message: `thinsnapd: ${error.message}\nSee "thinsnapd --help".` };
  }
}

/** What `CONFIG_OPTIONS` gave. */
export function toSources({ values }: Arguments): ConfigSources {
  return {
    file: values.get('config') ?? null,
    flags: {
      rootPath: values.get('root-path') ?? null,
      poolName: values.get('pool-name') ?? null,
      address: values.get('address') ?? null,
      logLevel: values.get('log-level') ?? null,
    },
  };
}
