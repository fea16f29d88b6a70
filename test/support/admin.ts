// The admin service on its socket, over a core on volumes of nothing, and a connection to it.

import { join } from 'node:path';
import { pino } from 'pino';
import type { AdminContext } from '../../src/main/admin/admin-context.ts';
import { adminCalls } from '../../src/main/admin/calls.ts';
import { serveAdmin } from '../../src/main/admin/server.ts';
import { AdminClient } from '../../src/main/cli/daemon/admin-client.ts';
import { loadConfig, NO_FLAGS } from '../../src/main/config/load-config.ts';
import { Clock } from '../../src/main/snapshots/clock.ts';
import type { Standby, StandbyCounts } from '../../src/main/upkeep/standby.ts';
import { type Core, withCore } from './core.ts';
import { withScratch } from './scratch.ts';

export interface Admin {
  readonly core: Core;
  readonly context: AdminContext;
  readonly address: string;
  readonly client: AdminClient;
  /** How many are said to be connected to containerd's socket. */
  readonly clients: { connected: number };
  /** Ends the service as the daemon does. */
  readonly stop: () => Promise<void>;
}

/** What the standby of the context has, whatever it does. */
const COUNTS: StandbyCounts = { ready: 3, wanted: 4, hits: 70, misses: 5 };
export const STARTED_AT = { seconds: 1_700_000_000n, nanos: 123_456_789 };

export async function withAdmin(action: (admin: Admin) => Promise<void>): Promise<void> {
  const { config } = await loadConfig({ file: null, flags: NO_FLAGS });
  await withScratch(async (dir) => {
    await withCore(async (core) => {
      const address = join(dir, 'admin.sock');
      const clients = { connected: 0 };
      const context: AdminContext = {
        ...core,
        tasks: { hung: [] },
        clock: new Clock(),
        config: { ...config, adminAddress: address, standbyPerParent: 8, standbyTotal: 64 },
        clients: async () => clients.connected,
        version: '1.2.3',
        startedAt: STARTED_AT,
        standby: withCounts(core.standby),
      };
      const bugs: string[] = [];
      const onBug = (message: string): void => void bugs.push(message);
      const log = pino({ level: 'silent' });
      const server = await serveAdmin({ address, passingGid: null, log, onBug, rpcs: adminCalls(context) });
      const client = await AdminClient.open(address);
      try {
        await action({ core, context, address, client, clients, stop: () => server.stop() });
      } finally {
        client.close();
        await server.stop();
      }
      if (bugs.length > 0) throw new Error(`A mistake of our own: ${bugs.join('; ')}`);
    });
  });
}

function withCounts(standby: Standby): Standby {
  return new Proxy(standby, {
    get: (target, name): unknown => {
      if (name === 'counts') return COUNTS;
      const value: unknown = Reflect.get(target, name, target);
      // Its private fields are not the proxy's.
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
