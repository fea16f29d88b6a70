// Who else looks at new device-mapper devices: udev by its rules, and LVM, which scans what no filter keeps from it.

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finding, groupOf, ok, type Subject, warning } from './finding.ts';

const RULES_DIRECTORIES = ['/etc/udev/rules.d', '/run/udev/rules.d', '/usr/lib/udev/rules.d', '/lib/udev/rules.d'];
/** udevd listens there as long as it runs. */
const UDEV_CONTROL = '/run/udev/control';
const DM_RULES = '55-dm.rules';

export interface DeviceFacts {
  readonly udevRuns: boolean;
  readonly hasDmRules: boolean;
  /** As lvmconfig prints them; null where there is no LVM. */
  readonly lvmDevices: string | null;
  /** A path as our devices have them. */
  readonly devicePath: string;
}

export const devices = groupOf('udev and LVM', gatherDevices, judgeDevices);

async function gatherDevices({ config, machine }: Subject): Promise<DeviceFacts> {
  const rules = await Promise.all(RULES_DIRECTORIES.map((directory) => isThere(join(directory, DM_RULES))));
  return {
    udevRuns: await isThere(UDEV_CONTROL),
    hasDmRules: rules.includes(true),
    lvmDevices: machine.lvmDevices,
    devicePath: `/dev/mapper/${config.poolName ?? 'thinsnap'}-snap-1`,
  };
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export function judgeDevices(facts: DeviceFacts): readonly Finding[] {
  return [judgeUdev(facts), judgeLvm(facts)];
}

function judgeUdev({ udevRuns, hasDmRules }: DeviceFacts): Finding {
  if (!udevRuns) return ok('udev', 'udevd does not run here: thinsnapd makes the links in /dev/mapper itself');
  if (hasDmRules) return ok('udev', `udevd runs, with ${DM_RULES}`);
  const found = `udevd runs without ${DM_RULES}, and may take links in /dev/mapper away`;
  return warning('udev', found, 'Run: apt-get install dmsetup; it has those rules');
}

function judgeLvm({ lvmDevices, devicePath }: DeviceFacts): Finding {
  if (lvmDevices === null) return ok('LVM', 'is not there');
  if (!/^\s*filter=/m.test(lvmDevices))
    return warning('LVM', 'lvmconfig does not answer', 'Run: lvmconfig devices/filter');
  if (/^\s*use_devicesfile=1$/m.test(lvmDevices)) return ok('LVM', 'scans only what its devices file lists');
  const rules = ['global_filter', 'filter'].map((name) => filterRules(lvmDevices, name));
  if (rules.some((each) => isRejected(each, devicePath))) return ok('LVM', `its filter keeps ${devicePath} from it`);
  const pattern = devicePath.replace(/1$/, '[0-9]+$');
  return warning(
    'LVM',
    `scans snapshots (${devicePath}): slow, and it may take volume groups inside of them for the host's`,
    `In the section devices of /etc/lvm/lvm.conf: global_filter = [ "r|^${pattern}|" ]`,
  );
}

/** `filter=["a|^/dev/sd|","r|.*|"]` as its rules. */
function filterRules(text: string, name: string): readonly string[] {
  const [, list = ''] = new RegExp(`^\\s*${name}=(.*)$`, 'm').exec(text) ?? [];
  return [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, rule = '']) => rule.replaceAll(/\\(.)/g, '$1'));
}

/** The first rule that matches decides (lvm.conf(5)); what none does is accepted. A pattern that cannot be read rejects nothing. */
function isRejected(rules: readonly string[], path: string): boolean {
  for (const rule of rules) {
    const pattern = rule.slice(2, -1);
    try {
      if (new RegExp(pattern).test(path)) return rule.startsWith('r');
    } catch {
      return false;
    }
  }
  return false;
}
