// What is wrong right now and what to do about it, from what is in memory. Nothing here asks the kernel.

import { formatSize } from '../../shared/sizes.ts';
import { parseBytes } from '../../shared/units.ts';
import { repairAdvice } from '../pools/repair-advice.ts';
import type { ExtensionTrouble } from '../upkeep/extender.ts';
import { freeOf, levelOf, reserveOf, roomAdvice } from '../upkeep/space-guard.ts';
import type { Usage, VolumesFacts } from '../volumes/volumes.ts';
import type { AdminContext } from './admin-context.ts';

/** For programs; docs/cli.md lists them. */
export type ProblemCode =
  | 'catalog-broken'
  | 'pool-failed'
  | 'pool-read-only'
  | 'pool-needs-check'
  | 'pool-full'
  | 'space-unknown'
  | 'data-short'
  | 'metadata-short'
  | 'data-low'
  | 'metadata-low'
  | 'host-space-short'
  | 'group-space-short'
  | 'extension-failed'
  | 'task-hung'
  | 'writes-lost';

export interface Problem {
  readonly code: ProblemCode;
  readonly severity: 'warning' | 'error';
  readonly found: string;
  readonly advice: string;
}

type Facts = Pick<AdminContext, 'catalog' | 'volumes' | 'config' | 'extender' | 'tasks'> & {
  readonly guard: Pick<AdminContext['guard'], 'trouble'>;
};

/** Errors before warnings. */
export function findProblems({ catalog, volumes, config, extender, guard, tasks }: Facts): readonly Problem[] {
  const { facts, space } = volumes;
  const problems: Problem[] = [];
  if (catalog.fault !== null) {
    problems.push({
      code: 'catalog-broken',
      severity: 'error',
      found: catalog.fault.message,
      advice: 'See that the file system of root_path has space and is writable, then restart thinsnapd',
    });
  }
  for (const { task, subject, sinceMs } of tasks.hung) {
    problems.push({
      code: 'task-hung',
      severity: 'warning',
      found: `The task ${task} on ${subject} has not come back for ${Math.round(sinceMs / 1000)} s; calls that need it fail`,
      advice:
        'See dmesg and the disks below: it waits for the kernel. Only a restart of the machine ends what never returns',
    });
  }
  if (volumes.faulty.size > 0) {
    problems.push({
      code: 'writes-lost',
      severity: 'warning',
      found: `Snapshots in use while there was no space: ${volumes.faulty.size}. They may lack what was written, and are never committed`,
      advice: 'Remove them and make them anew; "thinsnap inspect KEY" tells of a device in state Faulty',
    });
  }
  if (guard.trouble !== null) {
    problems.push({
      code: 'space-unknown',
      severity: 'error',
      found: `What space there is cannot be read any more: ${guard.trouble.message}`,
      advice: 'See that what the volumes are on is there, mounted and active; thinsnapd looks again by itself',
    });
  }
  if (facts.kind === 'thin-pool') problems.push(...poolProblems(facts));
  for (const [what, usage] of [
    ['data', space.data],
    ['metadata', space.metadata],
  ] as const) {
    if (usage === null) continue;
    const problem = spaceProblem(what, usage, reserveOf(config.minFreeSpace, usage));
    if (problem !== null) problems.push({ ...problem, advice: roomAdvice(facts) });
  }
  for (const trouble of extender.troubles) problems.push(extensionProblem(trouble, facts));
  return problems.toSorted((left, right) => Number(right.severity === 'error') - Number(left.severity === 'error'));
}

type PoolVolumes = Extract<VolumesFacts, { kind: 'thin-pool' }>;

/** What nobody told thinsnap of is not for `thinsnap pool` either. */
function checkAdvice({ poolName, makeup }: PoolVolumes): string {
  const how =
    makeup === null
      ? 'deactivate it, run thin_check --clear-needs-check-flag on its metadata (thin_repair where that fails), activate it again'
      : `${repairAdvice(poolName)}; thinsnapd activates it when it starts`;
  return `Stop thinsnapd and what uses the pool, ${how}`;
}

function poolProblems(facts: PoolVolumes): readonly Problem[] {
  const { poolName, status } = facts;
  const advice = checkAdvice(facts);
  const problems: Problem[] = [];
  const add = (code: ProblemCode, found: string, todo: string): void => {
    problems.push({ code, severity: 'error', found: `Pool ${poolName} ${found}`, advice: todo });
  };
  switch (status.mode) {
    case 'rw':
      break;
    case 'ro':
      add('pool-read-only', 'is read-only: the kernel could not write its metadata', advice);
      break;
    case 'fail':
      add('pool-failed', 'has failed: the kernel refuses all I/O to it', advice);
      break;
    case 'out_of_data_space':
      add('pool-full', 'has no data space left: writers wait or fail', 'Extend the pool, or remove snapshots');
      break;
  }
  if (status.needsCheck) add('pool-needs-check', 'says that its metadata needs a check', advice);
  return problems;
}

function spaceProblem(what: 'data' | 'metadata', usage: Usage, reserve: number): Omit<Problem, 'advice'> | null {
  const level = levelOf(usage, reserve);
  if (level === 'ok') return null;
  const sizes = `${show(freeOf(usage))} of ${show(usage.totalBytes)} of ${what} space are free`;
  if (level === 'short') {
    const found = `${sizes}, and min_free_space keeps ${show(reserve)}: new snapshots are refused`;
    return { code: `${what}-short`, severity: 'error', found };
  }
  const found = `${sizes}; below ${show(reserve)} new snapshots are refused, and none is made ahead any more`;
  return { code: `${what}-low`, severity: 'warning', found };
}

function extensionProblem({ reason, found, advice }: ExtensionTrouble, facts: VolumesFacts): Problem {
  const isLvm = facts.kind === 'thin-pool' && facts.makeup?.kind === 'lvm';
  const short = isLvm ? 'group-space-short' : 'host-space-short';
  return { code: reason === 'no-room' ? short : 'extension-failed', severity: 'warning', found, advice };
}

function show(bytes: number): string {
  return formatSize(parseBytes(Math.round(bytes)));
}
