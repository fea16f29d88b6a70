// `thinsnap pool extend POOL`: makes an active pool larger, while it is used. It takes no lock: a daemon has that, and to extend
// to at least a size is harmless beside another that does the same.

import { FaultError } from '../../../shared/faults.ts';
import { type LvmMakeup, metadataBytesFor } from '../../../shared/pool-makeup.ts';
import type { PoolStep } from '../../../shared/pool-steps.ts';
import { formatSize } from '../../../shared/sizes.ts';
import type { PoolFacts } from '../../../shared/tasks.ts';
import { type Bytes, parseBytes } from '../../../shared/units.ts';
import { type PoolDescription, refuseIncomplete, writeDescription } from '../../pools/description.ts';
import { factsIfActive } from '../../pools/facts.ts';
import { refuseDevices } from '../../pools/refusals.ts';
import { parseOptionSize } from '../../pools/sizes.ts';
import { type Arguments, UsageError } from '../arguments.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { asUsage, parsePaths } from '../pools/create-options.ts';
import {
  type FoundPool,
  findPool,
  POOL_OPERAND,
  POOL_OPTIONS,
  type PoolSession,
  poolNameOf,
  withPools,
} from '../pools/pool-session.ts';
import { usageOf } from '../pools/pool-text.ts';

/** Of a new disk: the rest is for the metadata to grow. */
const SHARE_OF_NEW_DISK = 0.95;

export const poolExtend: Command = {
  kind: 'command',
  name: 'extend',
  summary: 'make a pool larger while it is used',
  about: 'Makes an active pool larger, while a daemon and containers use it. Nothing is ever made smaller.',
  options: [
    {
      name: 'data-size',
      short: null,
      value: 'SIZE',
      help: 'new size of its data, or with "+" in front, by how much',
      completion: 'nothing',
    },
    {
      name: 'metadata-size',
      short: null,
      value: 'SIZE',
      help: 'the same of its metadata (default: grows with the data)',
      completion: 'nothing',
    },
    {
      name: 'device',
      short: null,
      value: 'DEV[,DEV...]',
      help: 'of an LVM pool: put these empty disks into its volume group; without --data-size the pool takes 95% of what is free then',
      completion: 'file',
    },
    ...POOL_OPTIONS,
  ],
  operands: [POOL_OPERAND],
  notes: [
    'A pool on two devices as they are becomes as large as these are now: make them larger first, and give no size.',
  ],
  examples: ['thinsnap pool extend thinsnap --data-size +20GB', 'thinsnap pool extend vg0/pool --device /dev/sdd'],
  run: async (found, writer) => {
    const name = poolNameOf(found);
    const wish = parseWish(found);
    return withPools(found, async (session) => {
      const pool = await findPool(session, name);
      refuseIncomplete(pool.description);
      const before = await activeFacts(session, name);
      refuseUnfit(pool.description, wish);
      if (wish.paths.length > 0) await addDisks(session, pool, wish.paths);
      const sizes = await sizesFor(session, pool.description, { wish, before });
      const { makeup } = pool.description;
      const status = await session.tasks.run('extendPool', { name, poolTag: null, makeup, ...sizes });
      const was = usageOf(before);
      const is = usageOf({ ...before, status });
      const change = (from: number, to: number): string =>
        `${formatSize(parseBytes(from))} -> ${formatSize(parseBytes(to))}`;
      writer.out(
        `data      ${change(was.dataBytes, is.dataBytes)}\nmetadata  ${change(was.metadataBytes, is.metadataBytes)}\n`,
      );
      return EXIT_OK;
    });
  },
};

interface Growth {
  /** Whether `bytes` is on top of what there is. */
  readonly by: boolean;
  readonly bytes: Bytes;
}

interface Wish {
  readonly data: Growth | null;
  readonly metadata: Growth | null;
  readonly paths: readonly string[];
}

function parseWish({ values }: Arguments): Wish {
  const device = values.get('device');
  return asUsage(() => ({
    data: parseGrowth('--data-size', values.get('data-size')),
    metadata: parseGrowth('--metadata-size', values.get('metadata-size')),
    paths: device === undefined ? [] : parsePaths('--device', device),
  }));
}

function parseGrowth(option: string, text: string | undefined): Growth | null {
  if (text === undefined) return null;
  return { by: text.startsWith('+'), bytes: parseOptionSize(option, text.replace(/^\+/, '')) };
}

function refuseUnfit({ makeup }: PoolDescription, { data, metadata, paths }: Wish): void {
  if (paths.length > 0 && makeup.kind !== 'lvm') throw new UsageError('--device is for pools of LVM');
  if (makeup.kind === 'raw') {
    if (data !== null || metadata !== null) {
      throw new UsageError('A pool on devices as they are takes no size: make the devices larger, and give none');
    }
    return;
  }
  if (data === null && metadata === null && paths.length === 0) {
    throw new UsageError('--data-size, --metadata-size or --device must be given');
  }
}

async function activeFacts(session: PoolSession, name: string): Promise<PoolFacts> {
  const facts = await factsIfActive(session.tasks, name);
  if (facts !== null) return facts;
  throw new FaultError(
    'precondition',
    `Cannot extend pool ${name}: it is not active. Run "thinsnap pool activate ${name}" first`,
  );
}

async function addDisks(
  { tasks, directory }: PoolSession,
  { description, described }: FoundPool,
  paths: readonly string[],
): Promise<void> {
  const { makeup } = description;
  if (makeup.kind !== 'lvm') return;
  const devices = await Promise.all(paths.map((path) => tasks.run('surveyDevice', { path })));
  refuseDevices(devices, { force: false });
  const stable = devices.map(({ stablePath }) => stablePath);
  const step: PoolStep = { kind: 'lvm', words: ['vgextend', makeup.vg, ...stable], absent: 'fault' };
  await tasks.run('poolStep', { step });
  // Only disks of a group that was made for the pool are the pool's to take away again.
  if (!described || description.made.length === 0) return;
  await writeDescription(directory, { ...description, made: [...description.made, ...stable] });
}

async function sizesFor(
  session: PoolSession,
  { makeup }: PoolDescription,
  { wish, before }: { wish: Wish; before: PoolFacts },
): Promise<{ dataBytes: Bytes | null; metadataBytes: Bytes | null }> {
  if (makeup.kind === 'raw') return { dataBytes: null, metadataBytes: null };
  const usage = usageOf(before);
  const takesAll = wish.paths.length > 0 && wish.data === null && makeup.kind === 'lvm';
  const dataBytes = takesAll ? await withAllRoom(session, makeup, usage.dataBytes) : grown(wish.data, usage.dataBytes);
  const metadataBytes = grown(wish.metadata, usage.metadataBytes);
  if (metadataBytes !== null || dataBytes === null) return { dataBytes, metadataBytes };
  const needed = metadataBytesFor(dataBytes, before.dataBlockSectors);
  return { dataBytes, metadataBytes: needed > usage.metadataBytes ? needed : null };
}

async function withAllRoom({ tasks }: PoolSession, { vg }: LvmMakeup, dataBytes: number): Promise<Bytes> {
  const group = await tasks.run('lvmGroup', { vg });
  const freeBytes = group === null ? 0 : group.freeBytes * SHARE_OF_NEW_DISK;
  const extentBytes = group?.extentBytes ?? 1;
  return parseBytes(dataBytes + Math.floor(freeBytes / extentBytes) * extentBytes);
}

/** Null: as it is. Fault `invalid` for less than there is. */
function grown(growth: Growth | null, nowBytes: number): Bytes | null {
  if (growth === null) return null;
  if (growth.by) return parseBytes(nowBytes + growth.bytes);
  if (growth.bytes > nowBytes) return growth.bytes;
  const found = `${formatSize(growth.bytes)} is no more than the ${formatSize(parseBytes(nowBytes))} there are`;
  throw new FaultError('invalid', `Cannot extend the pool: ${found}`);
}
