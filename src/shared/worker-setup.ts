// What every worker is told once, when it starts.

import type { FailpointSetup } from './failpoints.ts';
import type { EngineChoice } from './tasks.ts';

export interface WorkerSetup {
  readonly engine: EngineChoice;
  /** Null but in tests. */
  readonly failpoints: FailpointSetup | null;
}
