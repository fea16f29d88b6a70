// thinsnap as the subject of the containerd scenario.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConfigTable, startDaemon } from '../../support/daemon.ts';
import type { Subject } from './scenario.ts';

/** Starts a daemon; `holdings` tells what its volumes hold of the machine, given the daemon's root. */
export async function thinsnapSubject(
  config: ConfigTable,
  holdings: (root: string) => Promise<string>,
): Promise<Subject> {
  const daemon = await startDaemon({ config });
  // The base that every first layer is a snapshot of is made once and stays: let it be made before anyone counts.
  await daemon.client.prepare('warm-up');
  await daemon.client.remove('warm-up');
  await daemon.client.cleanup();
  return {
    name: 'thinsnap',
    address: daemon.address,
    async restart(how) {
      if (how === 'SIGTERM') await daemon.stop();
      else await daemon.kill();
      await daemon.start();
    },
    list: async () => (await daemon.client.list()).map((info) => info.name),
    holdings: () => holdings(daemon.root),
    async remove() {
      const { THINSNAP_TEST_LOGS: logs } = process.env;
      try {
        await daemon.stop();
      } finally {
        if (logs !== undefined) await writeFile(join(logs, 'thinsnapd.log'), daemon.log);
        await daemon.remove();
      }
    },
  };
}
