// Undoes in reverse what a task did before it failed. A step that cannot be undone stops none of the others, and the
// fault then says what is left, since nobody else will know. When all was undone it says that nothing is.

import { FaultError, isFault, toFault } from '../shared/faults.ts';
import { ToolError } from './exec.ts';

/** Notes how to take back what was just done; `what` names it as the thing that would be left. */
export type NoteUndo = (what: string, step: () => Promise<void>) => void;

interface UndoStep {
  readonly what: string;
  readonly step: () => Promise<void>;
}

/** Runs `action`; when it throws, what it noted is undone, the last first, and its fault is thrown again. */
export async function withUndo<Answer>(action: (note: NoteUndo) => Promise<Answer>): Promise<Answer> {
  const steps: UndoStep[] = [];
  try {
    return await action((what, step) => steps.push({ what, step }));
  } catch (error) {
    const left = await undoAll(steps.reverse());
    const { code, message } = toFault(error);
    if (left.length === 0 && isAnswer(error)) throw new FaultError(code, message, { cause: error, leaves: 'nothing' });
    if (left.length === 0) throw error;
    throw new FaultError(code, `${message}; left behind: ${left.join('; ')}`, { cause: error });
  }
}

/** A tool that was ended may have done what it was to do; what a pool with failing metadata says and does is not sure. */
function isAnswer(error: unknown): boolean {
  return !(error instanceof ToolError && error.exitCode === null) && !isFault(error, 'pool-unsound');
}

async function undoAll(steps: readonly UndoStep[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (const { what, step } of steps) {
    try {
      await step();
    } catch (error) {
      left.push(`${what} (${toFault(error).message})`);
    }
  }
  return left;
}
