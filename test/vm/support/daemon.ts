// A daemon on the pool that the runner made.

import type { EngineKind } from '../../../src/shared/tasks.ts';
import { type ConfigTable, type Daemon, startDaemon } from '../../support/daemon.ts';

export function thinPoolDaemon(engine: EngineKind): Promise<Daemon> {
  return startDaemon({ config: thinPoolConfig(engine) });
}

export function thinPoolConfig(engine: EngineKind): ConfigTable {
  const { THINSNAP_TEST_POOL: pool = '' } = process.env;
  return {
    volumes: 'thin-pool',
    pool_name: pool,
    engine,
    // Threads take seconds to start in an emulated machine.
    workers: 4,
    // The smallest file system that mkfs.xfs makes takes 300 MB.
    base_image_size: '320MB',
    min_free_space: '1%',
  };
}

/** What a start that is refused says at the end of its log; the pool may be made right then, and the daemon started again. */
export async function refusalOf(daemon: Daemon, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const outcome = await daemon.start(env).then(
    () => 'it serves',
    (error: unknown) => String(error),
  );
  await daemon.forget();
  return outcome;
}
