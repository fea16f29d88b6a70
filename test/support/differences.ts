// What a daemon says of itself once everything was removed: where storage differs from its records, and what it keeps beside bases.

import { Admin } from '../../src/main/rpc/gen/thinsnap/admin/v1/admin_pb.ts';
import type { Daemon } from './daemon.ts';
import { askAsAdmin, findingsOf } from './own-words.ts';
import { until } from './until.ts';

/** The longest pause of what is tried again is 30 s. */
const LEFT_LIMIT_MS = 120_000;

/** Fails when there is more than the bases, and when storage holds something else, once what waits to be deleted had its time. */
export async function basesAreLeft(daemon: Daemon): Promise<void> {
  let left = '';
  const look = async (): Promise<true | null> => {
    await daemon.client.cleanup();
    left = (await leftOf(daemon)).join(', ');
    return left === '' ? true : null;
  };
  await until(LEFT_LIMIT_MS, look, () => `left behind: ${left}`);
}

function leftOf(daemon: Daemon): Promise<readonly string[]> {
  return askAsAdmin(daemon, async (admin) => {
    const { devices } = await admin.call(Admin.method.status, {});
    const own = Number((devices?.total ?? 0n) - (devices?.bases ?? 0n));
    const restless = devices?.states.filter(({ state }) => state !== 'Deactivated') ?? [];
    return [
      ...(own === 0 ? [] : [`${own} devices`]),
      ...restless.map(({ state, count }) => `${count} in state ${state}`),
      ...(await findingsOf(admin)),
    ];
  });
}
