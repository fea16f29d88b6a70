// Who goes on while every write is written down: one client with one step after another, or several at once with what comes to them.

import type { Random } from '../../support/random.ts';
import { loadClients } from './clients.ts';
import type { CoreLife } from './core-life.ts';
import type { Step } from './ledger.ts';
import type { PowerRig } from './power-rig.ts';
import type { Marks, Play } from './recording.ts';
import { PROLOGUE, type Sequence, stepsOf } from './sequences.ts';
import { shell } from './shell.ts';

/** A client that goes through sequences of operations. A file's mark follows its sync, before it is unmounted. */
export function inTurn(sequences: readonly Sequence[]): Play {
  const steps = sequences.flatMap((sequence, index) => stepsOf(sequence, `s${index + 1}`));
  return (rig, life, marks) => takeAll(rig, life, { marks, steps: [...PROLOGUE, ...steps] });
}

/** Several clients, until they were told of so many steps in all. */
export function together(random: Random, stepCount: number): Play {
  return async (rig, life, marks) => {
    await takeAll(rig, life, { marks, steps: PROLOGUE });
    const { state } = marks.shared.moment;
    const clients = loadClients(random, state);
    for (const { prefix, ledger } of clients) marks.follow(prefix, ledger);
    const options = {
      isEnding: () => clients.reduce((sum, { answered }) => sum + answered, 0) >= stepCount,
      onBegin: () => marks.begun(),
      onAnswer: (settle: () => void) => marks.next(bySelf, settle),
    };
    await Promise.all(clients.map((client) => client.run(rig, life, options)));
  };
}

/** One step after another, by a client that is alone. */
export async function takeAll(
  rig: PowerRig,
  life: CoreLife,
  { marks, steps }: { readonly marks: Marks; readonly steps: readonly Step[] },
): Promise<void> {
  const { shared } = marks;
  for (const step of steps) {
    shared.begin(step);
    marks.begun();
    if (step.kind === 'Write') {
      const mount = await life.mountOf(step.key);
      await marks.next(
        (mark) => rig.put(mount, step, mark),
        () => shared.done(),
      );
    } else {
      await life.take(step);
      await marks.next(bySelf, () => shared.done());
    }
  }
}

/** A mark that comes when nothing else does. */
export function bySelf(mark: string): Promise<unknown> {
  return shell('sh', '-c', mark);
}
