// What the admin calls work with: the same things as containerd's calls, and what only people ask about.

import type { Config } from '../config/config.ts';
import type { Timestamp } from '../snapshots/clock.ts';
import type { Context } from '../snapshots/context.ts';
import type { TaskPool } from '../task-pool.ts';

export interface AdminContext extends Context {
  readonly config: Config;
  /** That are connected to containerd's socket. */
  readonly clients: () => Promise<number>;
  readonly tasks: Pick<TaskPool, 'hung'>;
  readonly version: string;
  readonly startedAt: Timestamp;
}
