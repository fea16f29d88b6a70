// What `thinsnap doctor` says of one thing, and how groups of checks are made: facts are gathered by one function, which may
// look anywhere and changes nothing, and judged by another, which looks at the facts alone.

import type { TaskAnswer } from '../../../shared/tasks.ts';
import type { Config } from '../../config/config.ts';
import type { TaskPool } from '../../task-pool.ts';

export type Level = 'ok' | 'warning' | 'error';

export interface Finding {
  /** "module dm_mod", "socket /run/thinsnap/thinsnap.sock". */
  readonly what: string;
  readonly level: Level;
  readonly found: string;
  /** What to do; empty when all is well. */
  readonly fix: string;
}

export const ok = (what: string, found: string): Finding => ({ what, level: 'ok', found, fix: '' });
export const warning = (what: string, found: string, fix: string): Finding => ({ what, level: 'warning', found, fix });
export const error = (what: string, found: string, fix: string): Finding => ({ what, level: 'error', found, fix });

/** What every group may look at. */
export interface Subject {
  /** The daemon's, or the defaults where it cannot be read. */
  readonly config: Config;
  readonly configFile: string | null;
  readonly containerdFile: string;
  readonly tasks: Pick<TaskPool, 'run'>;
  /** What tools say, asked once for all groups. */
  readonly machine: TaskAnswer<'machineFacts'>;
}

export interface Group {
  readonly name: string;
  readonly examine: (subject: Subject) => Promise<readonly Finding[]>;
}

/** A group whose facts cannot be gathered says so, and hides no other. */
export function groupOf<Facts>(
  name: string,
  gather: (subject: Subject) => Promise<Facts>,
  judge: (facts: Facts) => readonly Finding[],
): Group {
  return {
    name,
    examine: async (subject) => {
      try {
        return judge(await gather(subject));
      } catch (failure) {
        const found = failure instanceof Error ? failure.message : String(failure);
        return [warning(name, `cannot be looked at: ${found}`, 'Run it as root')];
      }
    },
  };
}
