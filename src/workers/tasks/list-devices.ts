// All devices of ours that the kernel has: what recovery holds against the catalog.

import type { KernelDevice, TaskArgs } from '../../shared/tasks.ts';
import type { Engine } from '../devmapper/engine.ts';

export async function listDevices(
  engine: Engine,
  { uuidPrefix }: TaskArgs<'listDevices'>,
): Promise<readonly KernelDevice[]> {
  const devices = await engine.list(uuidPrefix);
  return devices.map(({ name, uuid, suspended, readOnly, openCount }) => ({
    name,
    uuid,
    suspended,
    readOnly,
    openCount,
  }));
}
