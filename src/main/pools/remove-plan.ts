// What takes a pool away for good and leaves the disks as before: everything is content with what is gone already, so that
// it also clears away what a creation that did not end has left.

import type { DeviceSurvey, LvmGroup, PoolStep } from '../../shared/pool-steps.ts';
import { absentIsFine, profileOf } from './create-plan.ts';
import type { PoolDescription } from './description.ts';

export interface RemovalFacts {
  /** Of the disks that were the pool's alone, those that are there. */
  readonly devices: readonly Pick<DeviceSurvey, 'path' | 'sizeBytes'>[];
  /** Of an LVM pool; null when it is gone. */
  readonly group: LvmGroup | null;
}

/** The disks whose contents go with the pool. */
export function disksOf({ makeup, made }: PoolDescription): readonly string[] {
  switch (makeup.kind) {
    case 'loop':
      return [];
    case 'raw':
      return [makeup.metadataPath, makeup.dataPath];
    case 'lvm':
      return made;
  }
}

export function planRemoval(description: PoolDescription, { devices, group }: RemovalFacts): readonly PoolStep[] {
  const { name, makeup, made } = description;
  const disassemble: PoolStep = { kind: 'disassemble', pool: { name, makeup } };
  const erase = devices.map(({ path, sizeBytes }): PoolStep => ({ kind: 'erase', path, sizeBytes }));
  switch (makeup.kind) {
    case 'loop':
      return [disassemble, { kind: 'remove-files', dir: makeup.dir, directory: made.includes(makeup.dir) }];
    case 'raw':
      // One that was not finished may have overwritten nothing yet.
      return [disassemble, ...erase];
    case 'lvm': {
      const { vg, lv } = makeup;
      const ours = made.length > 0 && (group === null || group.volumes.every((volume) => isOf(lv, volume)));
      return [
        disassemble,
        absentIsFine(['lvremove', '--yes', `${vg}/${lv}`]),
        { kind: 'remove-profile', profile: profileOf(name) },
        ...(ours
          ? [absentIsFine(['vgremove', '--yes', vg]), absentIsFine(['pvremove', '--yes', ...made]), ...erase]
          : []),
      ];
    }
  }
}

/** What else is in the volume group that was made for the pool, and keeps it there. */
export function othersIn({ makeup, made }: PoolDescription, group: LvmGroup | null): readonly string[] {
  if (makeup.kind !== 'lvm' || made.length === 0 || group === null) return [];
  return group.volumes.filter((volume) => !isOf(makeup.lv, volume));
}

/** The pool's own volume, or metadata that a repair has kept. */
function isOf(lv: string, volume: string): boolean {
  return volume === lv || (volume.startsWith(`${lv}_meta`) && /^\d+$/.test(volume.slice(lv.length + 5)));
}
