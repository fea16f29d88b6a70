// What calls cost with more and more snapshots present: thinsnap alone, without a standby, so that each call does its
// whole work. The daemon is started anew at each number, which is also how its start and its memory are measured.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Load, runLoad, say } from './measure.ts';
import { startThinsnap } from './sides.ts';
import { withStage } from './stage.ts';

const FILL_AT_ONCE = 32;
const PREFIX = 'scale';
/** What a start leaves to be collected is, in part, collected by then. */
const REST_MS = 3_000;
const KIB_PER_MIB = 1024;

export async function measureScale({ programs, plan, record }: Load): Promise<void> {
  await withStage(async () => {
    const { daemon, ...side } = await startThinsnap({
      asyncRemove: true,
      standby: false,
      workers: plan.workers,
    });
    let activeBefore = 0;
    try {
      for (const count of plan.present) {
        const active = Math.min(plan.active, Math.floor(count / 2));
        const filled = await runLoad(programs, 'fill', {
          socket: side.socket,
          prefix: PREFIX,
          count,
          active: active - activeBefore,
          'at-once': FILL_AT_ONCE,
        });
        activeBefore = active;
        await daemon.stop();
        const startedMs = performance.now();
        await daemon.start();
        const startMs = performance.now() - startedMs;
        await sleep(REST_MS);
        const startedRssMib = await residentMib(daemon.pid);
        const phases = await runLoad(programs, 'present', {
          socket: side.socket,
          prefix: PREFIX,
          count: plan.thinsnap.burst,
          'at-once': plan.thinsnap.burst,
          rounds: plan.thinsnap.burstRounds,
          'warm-up': plan.thinsnap.burstWarmUp,
        });
        const figures = { present: count, active, startMs, startedRssMib, rssMib: await residentMib(daemon.pid) };
        say(JSON.stringify(figures));
        const variant = `${count} present`;
        await record({ side: 'thinsnap', variant, name: 'present', phases: [...filled, ...phases], figures });
      }
    } finally {
      await daemon.stop();
    }
  });
}

async function residentMib(pid: number): Promise<number> {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / KIB_PER_MIB;
}
