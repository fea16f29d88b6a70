// Snapshots as a busy Kubernetes node has them, in any number: images of ten layers, named and labelled as containerd
// names and labels them, and containers on top of these.

import { createHash } from 'node:crypto';
import type { ActiveSnapshot, Device, Snapshot } from '../src/main/catalog/records.ts';
import type { Change } from '../src/main/catalog/tables.ts';
import type { Timestamp } from '../src/main/snapshots/clock.ts';
import { GIB, MIB, parseBytes, parseDeviceId } from '../src/shared/units.ts';

const LAYERS_PER_IMAGE = 10;
/** Of a hundred snapshots: layers of images, then containers; what is left are views. */
const COMMITTED_PERCENT = 30;
const ACTIVE_PERCENT = 60;
const FIRST_SECOND = 1_700_000_000;

export interface NodeRecord {
  readonly device: Device | null;
  readonly snapshot: Snapshot;
}

/** `count` snapshots and their devices, parents first. */
export function* nodeRecords(count: number): Generator<NodeRecord> {
  const committed = Math.max(1, Math.floor((count * COMMITTED_PERCENT) / 100));
  const active = Math.floor((count * ACTIVE_PERCENT) / 100);
  const layers: Snapshot[] = [];
  for (let number = 0; number < count; number += 1) {
    if (number < committed) {
      const layer = layerOf(number, layers.at(-1)?.key ?? '');
      layers.push(layer);
      yield { device: deviceOf(number, 'Deactivated'), snapshot: layer };
      continue;
    }
    const parent = layers[(number * LAYERS_PER_IMAGE - 1) % layers.length] ?? layers[0];
    if (parent === undefined) throw new Error('Cannot make containers: there are no layers');
    if (number < committed + active)
      yield { device: deviceOf(number, 'Activated'), snapshot: activeOf(number, parent) };
    else yield { device: null, snapshot: viewOf(number, parent) };
  }
}

export function toChanges({ device, snapshot }: NodeRecord): Change[] {
  const put: Change = { kind: 'put-snapshot', snapshot };
  return device === null ? [put] : [{ kind: 'put-device', device }, put];
}

function layerOf(number: number, below: string): Snapshot {
  const image = Math.floor(number / LAYERS_PER_IMAGE);
  const chainId = digest(`chain ${number}`);
  return {
    kind: 'committed',
    key: `k8s.io/${2 * number + 1}/${chainId}`,
    parent: number % LAYERS_PER_IMAGE === 0 ? '' : below,
    deviceId: parseDeviceId(number + 1),
    labels: new Map([
      ['containerd.io/snapshot.ref', chainId],
      [
        'containerd.io/snapshot/cri.image-ref',
        `registry.example.com/team-${image % 50}/service-${image}:v1.${image % 9}.0`,
      ],
      ['containerd.io/snapshot/cri.layer-digest', digest(`layer ${number}`)],
      ['containerd.io/snapshot/cri.manifest-digest', digest(`manifest ${image}`)],
    ]),
    ...stampOf(number),
    usageBytes: parseBytes((1 + (number % 97)) * MIB),
  };
}

function activeOf(number: number, parent: Snapshot): ActiveSnapshot {
  return {
    kind: 'active',
    key: `k8s.io/${2 * number + 1}/${digest(`container ${number}`).slice('sha256:'.length)}`,
    parent: parent.key,
    deviceId: parseDeviceId(number + 1),
    labels: new Map([
      ['containerd.io/snapshot/uidmapping', `0:${65_536 * number}:65536`],
      ['containerd.io/snapshot/gidmapping', `0:${65_536 * number}:65536`],
      ['containerd.io/snapshot/max-size', '10GiB'],
    ]),
    ...stampOf(number),
    idMap: null,
  };
}

function viewOf(number: number, parent: Snapshot): Snapshot {
  return { ...activeOf(number, parent), kind: 'view', deviceId: parent.deviceId };
}

function deviceOf(number: number, state: Device['state']): Device {
  return {
    id: parseDeviceId(number + 1),
    place: { kind: 'file' },
    purpose: { kind: 'snapshot' },
    originId: number === 0 ? null : parseDeviceId(number),
    fsType: 'ext4',
    sizeBytes: parseBytes(10 * GIB),
    baselineBytes: parseBytes((number % 97) * MIB),
    mappedBytes: parseBytes((1 + (number % 97)) * MIB),
    state,
  };
}

function stampOf(number: number): { createdAt: Timestamp; updatedAt: Timestamp } {
  const at = { seconds: BigInt(FIRST_SECOND + number), nanos: (number * 7_919_003) % 1_000_000_000 };
  return { createdAt: at, updatedAt: at };
}

function digest(of: string): string {
  return `sha256:${createHash('sha256').update(of).digest('hex')}`;
}
