// Pools as people read them, and as a daemon's configuration and programs do.

import type { PoolMakeup } from '../../../shared/pool-makeup.ts';
import type { PoolStep } from '../../../shared/pool-steps.ts';
import { formatSize, formatSizeExactly } from '../../../shared/sizes.ts';
import type { PoolFacts, PoolStatus } from '../../../shared/tasks.ts';
import { parseBytes, toBytes } from '../../../shared/units.ts';
import type { PoolDescription } from '../../pools/description.ts';
import type { Progress } from '../../pools/run-plan.ts';
import { commandsOf } from '../../pools/step-text.ts';
import { toSpace } from '../../volumes/thin-pool/pool-space.ts';
import { showBar } from '../show/format.ts';
import type { Pair } from '../show/layout.ts';
import type { Writer } from '../writer.ts';

/** On a terminal, each step before it is done. */
export function showStep(writer: Writer, { step, number, total }: Progress): void {
  if (writer.screen === null) return;
  for (const line of commandsOf(step)) writer.out(`${writer.paint('quiet', `[${number}/${total}] ${line}`)}\n`);
}

/** The commands of a plan, a line each. */
export function showCommands(steps: readonly PoolStep[]): string {
  return steps
    .flatMap(commandsOf)
    .map((line) => `${line}\n`)
    .join('');
}

/** What a daemon's configuration needs to use the pool. */
export function daemonToml({ name }: PoolDescription): string {
  return `# for thinsnapd, in /etc/thinsnap/config.toml\npool_name = ${JSON.stringify(name)}\n`;
}

export function showPlace(makeup: PoolMakeup): string {
  switch (makeup.kind) {
    case 'loop':
      return makeup.dir;
    case 'raw':
      return `${makeup.dataPath}, metadata on ${makeup.metadataPath}`;
    case 'lvm':
      return `${makeup.vg}/${makeup.lv}`;
  }
}

export interface Usage {
  readonly dataBytes: number;
  readonly dataUsedBytes: number;
  readonly metadataBytes: number;
  readonly metadataUsedBytes: number;
}

export function usageOf({ status, dataBlockSectors }: PoolFacts): Usage {
  const { data, metadata } = toSpace(status, dataBlockSectors);
  return {
    dataBytes: data.totalBytes,
    dataUsedBytes: data.usedBytes,
    metadataBytes: metadata.totalBytes,
    metadataUsedBytes: metadata.usedBytes,
  };
}

export function showState(description: PoolDescription, facts: PoolFacts | null): string {
  if (!description.complete) return 'half made';
  return facts === null ? 'inactive' : `active, ${showMode(facts.status)}`;
}

function showMode({ mode, needsCheck }: PoolStatus): string {
  return needsCheck ? `${mode}, needs a check` : mode;
}

export function showPercent(used: number, total: number): string {
  return total === 0 ? '-' : `${Math.round((used / total) * 100)}%`;
}

export function poolPairs(description: PoolDescription, facts: PoolFacts | null, unicode: boolean): readonly Pair[] {
  const { name, makeup, autoextend } = description;
  const { thresholdPercent, percent } = autoextend;
  return [
    { name: 'name', value: name },
    { name: 'kind', value: makeup.kind },
    { name: 'on', value: showPlace(makeup) },
    { name: 'state', value: showState(description, facts) },
    ...(facts === null ? [] : usagePairs(facts, unicode)),
    {
      name: 'extends itself',
      value: thresholdPercent === 100 ? 'no' : `at ${thresholdPercent}% of use, by ${percent}%`,
    },
  ];
}

function usagePairs(facts: PoolFacts, unicode: boolean): readonly Pair[] {
  const usage = usageOf(facts);
  const line = (used: number, total: number): string =>
    `${showBar(used, total, unicode)}  ${formatSize(parseBytes(used))} of ${formatSize(parseBytes(total))}`;
  return [
    { name: 'block size', value: formatSizeExactly(toBytes(facts.dataBlockSectors)) },
    { name: 'data', value: line(usage.dataUsedBytes, usage.dataBytes) },
    { name: 'metadata', value: line(usage.metadataUsedBytes, usage.metadataBytes) },
  ];
}

export function poolJson(description: PoolDescription, facts: PoolFacts | null): unknown {
  const { name, makeup, autoextend, made, complete } = description;
  const live =
    facts === null ? null : { mode: facts.status.mode, needsCheck: facts.status.needsCheck, ...usageOf(facts) };
  return { name, makeup, autoextend, made, complete, active: facts !== null, live };
}
