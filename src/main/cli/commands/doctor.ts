// `thinsnap doctor`: looks at everything that thinsnapd stands on, changes nothing, and needs no daemon.

import { toSources } from '../../config/flags.ts';
import { type LoadedConfig, loadConfig, NO_FLAGS } from '../../config/load-config.ts';
import { ConfigError } from '../../config/problems.ts';
import { TaskPool, UNWATCHED } from '../../task-pool.ts';
import type { Arguments } from '../arguments.ts';
import { type Command, EXIT_FAILED, EXIT_OK } from '../command.ts';
import { ROOT_OPTIONS } from '../daemon/stopped-root.ts';
import { findConfigFile } from '../daemon/with-daemon.ts';
import { clock } from '../doctor/clock.ts';
import { containerd } from '../doctor/containerd.ts';
import { daemon } from '../doctor/daemon.ts';
import { devices } from '../doctor/devices.ts';
import { error, type Finding, type Group, ok } from '../doctor/finding.ts';
import { kernel } from '../doctor/kernel.ts';
import { places } from '../doctor/places.ts';
import { tools } from '../doctor/tools.ts';
import { jsonOption } from '../options.ts';
import { doctorLines, type Examined } from '../show/doctor-lines.ts';
import { showJson } from '../show/format.ts';
import { withProgress } from '../show/progress.ts';
import type { Writer } from '../writer.ts';

const CONTAINERD_FILE = '/etc/containerd/config.toml';
const GROUPS: readonly Group[] = [kernel, tools, devices, containerd, places, clock, daemon];

export const doctor: Command = {
  kind: 'command',
  name: 'doctor',
  summary: 'look for what is wrong with this machine, and say how to mend it',
  about:
    'Looks at the kernel, tools, udev, LVM, containerd, files, the clock, and the daemon or its pool. It changes nothing, and the daemon need not run.',
  options: [
    {
      name: 'containerd-config',
      short: null,
      value: 'FILE',
      help: `containerd's configuration (default ${CONTAINERD_FILE})`,
      completion: 'file',
    },
    jsonOption('{"health": ..., "findings": [{"group": ..., "what": ..., "level": ..., "found": ..., "fix": ...}]}'),
    ...ROOT_OPTIONS,
  ],
  operands: [],
  notes: [
    'Each line is ok, warning or error, and what is not ok has its fix below it. Status 1: there is an error; warnings alone are 0.',
    'Run it as root: others see less.',
  ],
  examples: ['thinsnap doctor', 'thinsnap doctor --json | jq \'.findings[] | select(.level != "ok")\''],
  run: async (found, writer) => {
    const examined = await withProgress(writer, async (show) => {
      show('Looking ...');
      return examine(found);
    });
    const levels = new Set(examined.flatMap(({ findings }) => findings.map(({ level }) => level)));
    const health = levels.has('error') ? 'error' : levels.has('warning') ? 'warning' : 'ok';
    writer.out(found.switches.has('json') ? toJson(health, examined) : toText(examined, writer));
    return health === 'error' ? EXIT_FAILED : EXIT_OK;
  },
};

async function examine(found: Arguments): Promise<readonly Examined[]> {
  const sources = toSources(found);
  const configFile = await findConfigFile(sources.file);
  const { loaded, finding } = await load({ ...sources, file: configFile });
  const { config } = loaded;
  const tasks = await TaskPool.open({ engine: config.engine, workers: 1, ...UNWATCHED });
  try {
    const containerdFile = found.values.get('containerd-config') ?? CONTAINERD_FILE;
    const machine = await tasks.run('machineFacts', {});
    const subject = { config, configFile, containerdFile, tasks, machine };
    const groups = await Promise.all(
      GROUPS.map(async ({ name, examine: look }) => ({ name, findings: await look(subject) })),
    );
    return [{ name: 'configuration', findings: [finding] }, ...groups];
  } finally {
    await tasks.close();
  }
}

/** With a configuration that cannot be used, the rest is looked at with the defaults. */
async function load(
  sources: Parameters<typeof loadConfig>[0],
): Promise<{ readonly loaded: LoadedConfig; readonly finding: Finding }> {
  try {
    const loaded = await loadConfig(sources);
    return { loaded, finding: ok('settings', sources.file ?? 'no file: the defaults') };
  } catch (failure) {
    if (!(failure instanceof ConfigError)) throw failure;
    const fix = 'See: thinsnap config check; what follows is looked at with the defaults';
    const finding = error('settings', failure.message.replaceAll('\n', '; '), fix);
    return { loaded: await loadConfig({ file: null, flags: NO_FLAGS }), finding };
  }
}

function toText(examined: readonly Examined[], writer: Writer): string {
  return doctorLines(examined, writer)
    .map((line) => `${line}\n`)
    .join('');
}

function toJson(health: string, examined: readonly Examined[]): string {
  const findings = examined.flatMap(({ name: group, findings: each }) =>
    each.map(({ what, level, found, fix }) => ({ group, what, level, found, fix: fix === '' ? null : fix })),
  );
  return showJson({ health, findings }, 'pretty');
}
