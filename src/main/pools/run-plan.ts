// Does the steps of a plan one after another; when one fails, or somebody says stop, takes back those before it in reverse.

import { FaultError, toFault } from '../../shared/faults.ts';
import type { PoolStep } from '../../shared/pool-steps.ts';
import type { TaskPool } from '../task-pool.ts';
import type { PlannedStep } from './create-plan.ts';
import { commandsOf } from './step-text.ts';

export interface Progress {
  readonly step: PoolStep;
  readonly number: number;
  readonly total: number;
}

export interface RunOptions {
  readonly tasks: Pick<TaskPool, 'run'>;
  readonly onStep: (progress: Progress) => void;
  /** Aborted: no further step, and those that were done are taken back. */
  readonly signal: AbortSignal;
}

export async function runPlan(steps: readonly PlannedStep[], { tasks, onStep, signal }: RunOptions): Promise<void> {
  const undo: (readonly PoolStep[])[] = [];
  try {
    for (const [index, planned] of steps.entries()) {
      if (signal.aborted) throw new FaultError('unavailable', 'Cannot go on: told to stop');
      onStep({ step: planned.step, number: index + 1, total: steps.length });
      await tasks.run('poolStep', { step: planned.step });
      // Not before: what a step failed on may be another's, as a volume group of that name.
      undo.unshift(planned.undo);
    }
  } catch (error) {
    const left = await undoAll(undo.flat(), tasks);
    const { code, message } = toFault(error);
    const outcome =
      left.length === 0 ? 'What was done was undone' : `Left behind, since it cannot be undone: ${left.join('; ')}`;
    throw new FaultError(code, `${message}. ${outcome}`, {
      cause: error,
      leaves: left.length === 0 ? 'nothing' : 'something',
    });
  }
}

async function undoAll(steps: readonly PoolStep[], tasks: Pick<TaskPool, 'run'>): Promise<readonly string[]> {
  const left: string[] = [];
  for (const step of steps) {
    try {
      await tasks.run('poolStep', { step });
    } catch (error) {
      left.push(`${commandsOf(step).join('; ')} (${toFault(error).message})`);
    }
  }
  return left;
}
