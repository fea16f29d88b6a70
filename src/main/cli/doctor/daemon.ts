// The daemon, and what it works on: asked of it where it runs; where it does not, its pool is asked of the kernel.

import { formatSize } from '../../../shared/sizes.ts';
import type { PoolFacts } from '../../../shared/tasks.ts';
import { parseBytes, SECTOR_BYTES } from '../../../shared/units.ts';
import { repairAdvice } from '../../pools/repair-advice.ts';
import { Admin } from '../../rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import { AdminClient } from '../daemon/admin-client.ts';
import { healthWord } from '../daemon/words.ts';
import { error, type Finding, groupOf, ok, type Subject, warning } from './finding.ts';

interface ProblemFacts {
  readonly severity: string;
  readonly found: string;
  readonly advice: string;
}

export type DaemonFacts =
  | { readonly runs: true; readonly version: string; readonly problems: readonly ProblemFacts[] }
  | { readonly runs: false; readonly why: string; readonly pool: PoolState };

export type PoolState =
  /** None is configured. */
  | { readonly state: 'none' }
  | { readonly state: 'unknown'; readonly name: string; readonly why: string }
  | { readonly state: 'there'; readonly name: string; readonly facts: PoolFacts };

export const daemon = groupOf('daemon', gatherDaemon, judgeDaemon);

async function gatherDaemon({ config, tasks }: Subject): Promise<DaemonFacts> {
  try {
    const client = await AdminClient.open(config.adminAddress);
    try {
      const status = await client.call(Admin.method.status, {});
      const problems = status.problems.map(({ severity, found, advice }) => ({
        severity: healthWord(severity),
        found,
        advice,
      }));
      return { runs: true, version: status.daemon?.version ?? '', problems };
    } finally {
      client.close();
    }
  } catch (failure) {
    return { runs: false, why: messageOf(failure), pool: await poolState(tasks, config.poolName) };
  }
}

async function poolState(tasks: Subject['tasks'], name: string | null): Promise<PoolState> {
  if (name === null) return { state: 'none' };
  try {
    return { state: 'there', name, facts: await tasks.run('poolFacts', { pool: name }) };
  } catch (failure) {
    return { state: 'unknown', name, why: messageOf(failure) };
  }
}

function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}

export function judgeDaemon(facts: DaemonFacts): readonly Finding[] {
  if (!facts.runs) {
    const stopped = warning('thinsnapd', facts.why, 'Start it: thinsnapd, with --config where it has one');
    return [stopped, ...judgePool(facts.pool)];
  }
  return [
    ok('thinsnapd', `runs, version ${facts.version}`),
    ...facts.problems.map(({ severity, found, advice }) =>
      (severity === 'error' ? error : warning)('status', found, advice),
    ),
  ];
}

function judgePool(pool: PoolState): readonly Finding[] {
  if (pool.state === 'none') return [];
  const what = `pool ${pool.name}`;
  if (pool.state === 'unknown')
    return [error(what, pool.why, `Activate it: thinsnap pool activate ${pool.name}, or what made it`)];
  const { status, dataBlockSectors } = pool.facts;
  const checkFix = `Stop what uses it, ${repairAdvice(pool.name)}`;
  if (status.mode === 'fail' || status.mode === 'ro') return [error(what, `its mode is ${status.mode}`, checkFix)];
  if (status.needsCheck) return [error(what, 'its metadata needs a check', checkFix)];
  if (status.mode === 'out_of_data_space')
    return [error(what, 'no data space is left', 'Extend it: thinsnap pool extend --help')];
  const size = (blocks: number): string => formatSize(parseBytes(blocks * dataBlockSectors * SECTOR_BYTES));
  return [ok(what, `read-write, ${size(status.usedDataBlocks)} of ${size(status.totalDataBlocks)} used`)];
}
