// Looks at the machine and at what a new pool is to be made of, refuses what cannot be, and plans the rest.

import { randomBytes } from 'node:crypto';
import { stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FaultError, isFault } from '../../../shared/faults.ts';
import {
  DEFAULT_FEATURES,
  LOOP_FILES,
  type LoopMakeup,
  lvmDeviceName,
  METADATA_BYTES_MAX,
  metadataBytesFor,
} from '../../../shared/pool-makeup.ts';
import type { DeviceSurvey } from '../../../shared/pool-steps.ts';
import { formatSize } from '../../../shared/sizes.ts';
import { type Bytes, MIB, parseBytes, toBytes } from '../../../shared/units.ts';
import { type CreatePlan, planLoop, planLvm, planRaw, roomOnDisks } from '../../pools/create-plan.ts';
import { fileOf, readDescription } from '../../pools/description.ts';
import { whenThere } from '../../pools/device-wait.ts';
import { refuseDevices } from '../../pools/refusals.ts';
import { type Amount, amountOf, checkSizes } from '../../pools/sizes.ts';
import { whoElseMayReplace } from '../../trust.ts';
import { newDataBytes } from '../../volumes/thin-pool/loop-pool.ts';
import type { CreateWish, Where } from './create-options.ts';
import type { PoolSession } from './pool-session.ts';

const EXTENT_BYTES = 4 * MIB;
/** What LVM keeps of each disk for itself (pvcreate(8), dataalignment). */
const LVM_KEEPS_BYTES = MIB;
const LVM_DATA: Amount = { kind: 'percent', percent: 95 };
const LVM_METADATA: Amount = { kind: 'percent', percent: 1 };

export interface Planned extends CreatePlan {
  /** Whose contents would be destroyed. */
  readonly devices: readonly DeviceSurvey[];
}

export async function makePlan(session: PoolSession, wish: CreateWish): Promise<Planned> {
  await refuseMachine(session, wish.where.kind);
  await refuseTaken(session, nameOf(wish.where));
  switch (wish.where.kind) {
    case 'loop':
      return { ...(await loopPlan(wish, wish.where)), devices: [] };
    case 'raw':
      return rawPlan(session, wish, wish.where);
    case 'lvm':
      return lvmPlan(session, wish, wish.where);
  }
}

function nameOf(where: Where): string {
  return where.kind === 'lvm' ? lvmDeviceName(where.vg, where.lv) : where.name;
}

async function refuseMachine({ tasks }: PoolSession, kind: Where['kind']): Promise<void> {
  const needs = await tasks.run('poolNeeds', { kind });
  if (needs.length > 0) throw new FaultError('tool-missing', `Cannot make a pool here: ${needs.join('; ')}`);
}

async function refuseTaken({ directory, tasks }: PoolSession, name: string): Promise<void> {
  if ((await readDescription(directory, name)) !== null) {
    const advice = 'Give another --name, or remove that pool first';
    throw new FaultError('already-exists', `Cannot make pool ${name}: ${fileOf(directory, name)} is there. ${advice}`);
  }
  try {
    await tasks.run('poolFacts', { pool: name });
  } catch (error) {
    if (isFault(error, 'device-missing')) return;
    if (!isFault(error, 'invalid')) throw error;
  }
  throw new FaultError(
    'already-exists',
    `Cannot make pool ${name}: there is a /dev/mapper/${name}. Give another --name`,
  );
}

async function survey(
  { tasks, signal }: PoolSession,
  wish: CreateWish,
  paths: readonly string[],
): Promise<readonly DeviceSurvey[]> {
  const limitMs = wish.waitSeconds * 1000;
  const devices = await whenThere(() => Promise.all(paths.map((path) => tasks.run('surveyDevice', { path }))), {
    limitMs,
    signal,
    onWait: () => undefined,
  });
  refuseDevices(devices, wish);
  return devices;
}

function newUuid(): string {
  return `thinsnap-pool-${randomBytes(16).toString('hex')}`;
}

async function loopPlan(wish: CreateWish, { dir, name }: Extract<Where, { kind: 'loop' }>): Promise<CreatePlan> {
  const directoryIsThere = await isThere(dir);
  const base = directoryIsThere ? dir : dirname(dir);
  if (!(await isThere(base)))
    throw new FaultError('not-found', `Cannot make a pool in ${dir}: there is no directory ${base}`);
  for (const file of LOOP_FILES) {
    if (!(await isThere(join(dir, file)))) continue;
    throw new FaultError(
      'already-exists',
      `Cannot make a pool in ${dir}: it holds a file ${file}, which is never overwritten`,
    );
  }
  const others = await whoElseMayReplace(dir);
  if (others !== null) throw new FaultError('precondition', `Cannot make a pool in ${dir}: ${others}`);
  const freeBytes = await freeIn(base);
  const dataBytes = wish.dataSize === null ? await newDataBytes(base) : amountOf(wish.dataSize, freeBytes, MIB);
  if (dataBytes > freeBytes && !wish.force) {
    const found = `${formatSize(dataBytes)} is more than the ${formatSize(freeBytes)} that are free`;
    throw new FaultError('no-space', `Cannot make a pool in ${dir}: ${found}. With --force it is made all the same`);
  }
  const metadataBytes = metadataOf(wish, { dataBytes, roomBytes: freeBytes, stepBytes: MIB });
  checkSizes({ dataBytes, metadataBytes }, wish.minDataBytes);
  const { blockSectors, autoextend } = wish;
  const makeup: LoopMakeup = { kind: 'loop', dir, uuid: newUuid(), blockSectors, features: DEFAULT_FEATURES };
  return planLoop({ name, makeup, autoextend, dataBytes, metadataBytes, directoryIsThere });
}

async function rawPlan(
  session: PoolSession,
  wish: CreateWish,
  where: Extract<Where, { kind: 'raw' }>,
): Promise<Planned> {
  const devices = await survey(session, wish, [where.data, where.metadata]);
  const [data, metadata] = devices;
  if (data === undefined || metadata === undefined) throw new FaultError('bug', 'a survey left a device out');
  checkSizes({ dataBytes: data.sizeBytes, metadataBytes: atMost(metadata.sizeBytes) }, wish.minDataBytes);
  const plan = planRaw({ name: where.name, uuid: newUuid(), blockSectors: wish.blockSectors, data, metadata });
  return { ...plan, devices };
}

/** Of a device that is larger than that the kernel uses as much. */
function atMost(metadataBytes: Bytes): Bytes {
  return parseBytes(Math.min(metadataBytes, METADATA_BYTES_MAX));
}

async function lvmPlan(
  session: PoolSession,
  wish: CreateWish,
  where: Extract<Where, { kind: 'lvm' }>,
): Promise<Planned> {
  const { vg, lv, paths } = where;
  const devices = await survey(session, wish, paths);
  const group = await session.tasks.run('lvmGroup', { vg });
  if (paths.length > 0 && group !== null) {
    const advice = 'Give another --vg; to use that one, leave --device out';
    throw new FaultError('already-exists', `Cannot make volume group ${vg}: there is one of that name. ${advice}`);
  }
  if (paths.length === 0 && group === null) {
    throw new FaultError('not-found', `Cannot use volume group ${vg}: LVM has none. Give --device to make it`);
  }
  if (group?.volumes.includes(lv) === true) {
    throw new FaultError(
      'already-exists',
      `Cannot make ${vg}/${lv}: there is a volume of that name. Give another --name`,
    );
  }
  const extentBytes = group?.extentBytes ?? EXTENT_BYTES;
  const roomBytes = group?.freeBytes ?? roomOnDisks(devices, extentBytes, LVM_KEEPS_BYTES);
  const dataBytes = amountOf(wish.dataSize ?? LVM_DATA, roomBytes, extentBytes);
  const metadataBytes =
    wish.metadataSize === null
      ? parseBytes(Math.max(amountOf(LVM_METADATA, roomBytes, extentBytes), extentBytes))
      : metadataOf(wish, { dataBytes, roomBytes, stepBytes: extentBytes });
  checkSizes({ dataBytes, metadataBytes }, wish.minDataBytes);
  // LVM keeps a spare of the metadata's size, for repairs (lvmthin(7)).
  const neededBytes = parseBytes(dataBytes + 2 * metadataBytes);
  if (neededBytes > roomBytes) {
    const found = `${formatSize(neededBytes)} are needed, metadata and its spare included, and there are ${formatSize(roomBytes)}`;
    throw new FaultError('no-space', `Cannot make ${vg}/${lv}: ${found}`);
  }
  const { blockSectors, autoextend } = wish;
  return { ...planLvm({ vg, lv, devices, blockSectors, autoextend, dataBytes, metadataBytes }), devices };
}

interface Room {
  readonly dataBytes: Bytes;
  readonly roomBytes: Bytes;
  readonly stepBytes: number;
}

function metadataOf({ metadataSize, blockSectors }: CreateWish, { dataBytes, roomBytes, stepBytes }: Room): Bytes {
  if (metadataSize !== null) return amountOf(metadataSize, roomBytes, stepBytes);
  return metadataBytesFor(parseBytes(Math.max(dataBytes, toBytes(blockSectors))), blockSectors);
}

async function freeIn(directory: string): Promise<Bytes> {
  const fs = await statfs(directory);
  return parseBytes(fs.bavail * fs.bsize);
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
