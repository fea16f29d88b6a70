// What every worker is told once, when it starts.

import type { FailpointSetup } from './failpoints.ts';
import type { EngineChoice } from './tasks.ts';

export interface WorkerSetup {
  readonly engine: EngineChoice;
  /** The descriptor that every tool inherits, so that who comes after us sees those that are left; null: none. */
  readonly childLock: number | null;
  /** Null but in tests. */
  readonly failpoints: FailpointSetup | null;
}
