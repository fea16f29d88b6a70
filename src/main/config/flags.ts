// The daemon's command line. The flags that set something are shared with the commands of `thinsnap` that read the
// daemon's configuration.

import { type Arguments, type Option, parseArguments, UsageError } from '../cli/arguments.ts';
import { commandHelp, HELP_OPTION, type HelpText } from '../cli/help.ts';
import { LOG_LEVELS } from './config.ts';
import type { ConfigSources } from './load-config.ts';

export type DaemonCommand =
  | { readonly kind: 'run'; readonly sources: ConfigSources }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  /** `message` is for standard error; the exit status is `USAGE_EXIT_STATUS`. */
  | { readonly kind: 'refused'; readonly message: string };

export const USAGE_EXIT_STATUS = 2;

export const CONFIG_OPTIONS: readonly Option[] = [
  {
    name: 'config',
    short: null,
    value: 'FILE',
    help: "thinsnap's own TOML file, or containerd's config.toml, whose devmapper table is then read",
    completion: 'file',
  },
  {
    name: 'root-path',
    short: null,
    value: 'DIR',
    help: 'where everything is kept (default /var/lib/thinsnap)',
    completion: 'directory',
  },
  {
    name: 'pool-name',
    short: null,
    value: 'NAME',
    help: 'thin pool under /dev/mapper (default none)',
    completion: 'nothing',
  },
  {
    name: 'address',
    short: null,
    value: 'SOCKET',
    help: 'where containerd connects (default /run/thinsnap/thinsnap.sock)',
    completion: 'file',
  },
  {
    name: 'admin-address',
    short: null,
    value: 'SOCKET',
    help: 'where thinsnap connects (default /run/thinsnap/admin.sock, or beside --address)',
    completion: 'file',
  },
  {
    name: 'log-level',
    short: null,
    value: 'LEVEL',
    help: 'trace, debug, info, warn, error or fatal (default info)',
    completion: LOG_LEVELS,
  },
];

const VERSION_OPTION: Option = {
  name: 'version',
  short: 'v',
  value: null,
  help: 'print the version and end',
  completion: 'nothing',
};

/** What the daemon says of itself, as a command does. */
export const DAEMON_HELP: HelpText = {
  summary: "serve containerd's snapshots from a device-mapper thin pool",
  about: "thinsnapd serves containerd's snapshots from a device-mapper thin pool.",
  options: [...CONFIG_OPTIONS, VERSION_OPTION],
  operands: [],
  notes: [
    'A flag wins over the file, the file over the default. "thinsnap config show" with the same options prints what is in effect and where each value came from.',
  ],
  examples: [
    'thinsnapd --config /etc/thinsnap/config.toml',
    'thinsnapd --config /etc/containerd/config.toml',
    'thinsnapd --pool-name vg0-pool --root-path /srv/thinsnap --log-level debug',
  ],
};

export const daemonHelp = commandHelp('thinsnapd', DAEMON_HELP);

/** `args`: without node and the script. */
export function parseDaemonFlags(args: readonly string[]): DaemonCommand {
  try {
    const found = parseArguments(args, { options: [...DAEMON_HELP.options, HELP_OPTION], operands: [] });
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
      adminAddress: values.get('admin-address') ?? null,
      logLevel: values.get('log-level') ?? null,
    },
  };
}
