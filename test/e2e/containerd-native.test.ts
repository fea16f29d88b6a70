// The containerd scenario with containerd's own simplest snapshotter, which copies whole directories: when this fails,
// the scenario, containerd or runc is what does not work on this machine, not thinsnap.

import type { Containerd } from './containerd/containerd.ts';
import { containerdSuite } from './containerd/scenario.ts';

async function list(containerd: Containerd): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const namespace of ['first', 'second']) {
    const lines = (await containerd.ctr(namespace, 'snapshots', '--snapshotter', 'native', 'ls')).trim().split('\n');
    rows.push(...lines.slice(1));
  }
  return rows;
}

containerdSuite('native', 'built-in', async () => ({
  name: 'native',
  address: null,
  restart: async (how) => {
    throw new Error(`Cannot restart a part of containerd with ${how}`);
  },
  list,
  holdings: async () => '',
  remove: async () => undefined,
}));
