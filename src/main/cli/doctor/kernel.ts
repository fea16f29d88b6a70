// The kernel: whether it has device-mapper with thin pools, loop devices and the file system.

import { access, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { error, type Finding, groupOf, ok, type Subject, warning } from './finding.ts';

type ModuleState = 'loaded' | 'available' | 'missing';

export interface KernelFacts {
  readonly release: string;
  readonly modules: Readonly<Record<'dm_mod' | 'dm_thin_pool' | 'loop', ModuleState>>;
  /** As `dmsetup targets` prints them; null where it would not. */
  readonly targets: string | null;
  readonly fsType: string;
  readonly fileSystem: ModuleState;
  /** Whether a thin pool is what the configuration asks for. */
  readonly needsPool: boolean;
}

export const kernel = groupOf('kernel', gatherKernel, judgeKernel);

async function gatherKernel({ config, machine }: Subject): Promise<KernelFacts> {
  const known = await knownModules();
  const fileSystems = await readFile('/proc/filesystems', 'utf8').catch(() => '');
  const isMounting = new RegExp(`\\b${config.fsType}$`, 'm').test(fileSystems);
  return {
    release: release(),
    modules: {
      dm_mod: await moduleState('dm_mod', known),
      dm_thin_pool: await moduleState('dm_thin_pool', known),
      loop: await moduleState('loop', known),
    },
    targets: machine.targets,
    fsType: config.fsType,
    fileSystem: isMounting ? 'loaded' : await moduleState(config.fsType, known),
    needsPool: config.volumes === 'thin-pool' || config.poolName !== null,
  };
}

/** Names of all modules that this kernel could load or was built with, with `_` for `-`. */
async function knownModules(): Promise<ReadonlySet<string>> {
  const directory = join('/lib/modules', release());
  const texts = await Promise.all(
    ['modules.dep', 'modules.builtin'].map((file) => readFile(join(directory, file), 'utf8').catch(() => '')),
  );
  const names = texts.join('\n').matchAll(/([^/\s]+)\.ko(?=[.:\s]|$)/gm);
  return new Set([...names].map(([, name = '']) => name.replaceAll('-', '_')));
}

async function moduleState(name: string, known: ReadonlySet<string>): Promise<ModuleState> {
  const isLoaded = await access(`/sys/module/${name}`).then(
    () => true,
    () => false,
  );
  if (isLoaded) return 'loaded';
  return known.has(name) ? 'available' : 'missing';
}

export function judgeKernel(facts: KernelFacts): readonly Finding[] {
  const { modules, targets, needsPool, fsType, fileSystem } = facts;
  const lacking = needsPool ? error : warning;
  const need = 'Install a kernel that has it (Debian: linux-image-amd64, not the -cloud one), or use block files';
  const findings: Finding[] = [ok('kernel', facts.release)];
  for (const name of ['dm_mod', 'dm_thin_pool'] as const) {
    if (modules[name] === 'missing') findings.push(lacking(`module ${name}`, 'this kernel has none', need));
    else findings.push(ok(`module ${name}`, modules[name] === 'loaded' ? 'there' : 'is loaded when it is needed'));
  }
  if (modules.loop === 'missing') {
    findings.push(warning('module loop', 'this kernel has none', 'Block files and pools on files need it'));
  } else {
    findings.push(ok('module loop', modules.loop === 'loaded' ? 'there' : 'is loaded when it is needed'));
  }
  findings.push(...judgeTargets(targets, modules.dm_thin_pool));
  if (fileSystem === 'missing') {
    findings.push(
      error(`file system ${fsType}`, 'this kernel cannot mount it', `Set another fs_type, or load ${fsType}`),
    );
  } else {
    findings.push(ok(`file system ${fsType}`, 'can be mounted'));
  }
  return findings;
}

/** `thin-pool  v1.22.0` on a line of its own, once the module is loaded. */
function judgeTargets(targets: string | null, module: ModuleState): readonly Finding[] {
  const found = ['thin-pool', 'thin'].map((name) => [
    name,
    new RegExp(`^${name} +v(\\S+)`, 'm').exec(targets ?? '')?.[1],
  ]);
  if (found.every(([, version]) => version !== undefined)) {
    return [ok('targets', found.map(([name, version]) => `${name} ${version}`).join(', '))];
  }
  if (module !== 'loaded') return [];
  return [warning('targets', 'dmsetup does not name thin-pool and thin', 'Run: modprobe dm_thin_pool; as root')];
}
