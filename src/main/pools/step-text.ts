// A step as the commands that an administrator would type: what --dry-run prints, and what is shown while it runs. Where the
// daemon speaks to the kernel itself, the equal dmsetup command.

import { LOOP_FILES, type PoolRef, poolGeometry } from '../../shared/pool-makeup.ts';
import { ERASED_END_BYTES, type PoolStep } from '../../shared/pool-steps.ts';
import { MIB } from '../../shared/units.ts';

export function commandsOf(step: PoolStep): readonly string[] {
  switch (step.kind) {
    case 'wipe-signatures':
      return [`wipefs --all ${step.path}`];
    case 'blank-metadata':
      return [`dd if=/dev/zero of=${step.path} bs=4096 count=1 conv=fsync`];
    case 'erase':
      return [
        `blkdiscard ${step.path}`,
        `dd if=/dev/zero of=${step.path} bs=1M count=1 conv=fsync`,
        `dd if=/dev/zero of=${step.path} bs=1 seek=${step.sizeBytes - ERASED_END_BYTES} count=${MIB} conv=fsync`,
      ];
    case 'lvm':
      return [`lvm ${step.words.join(' ')}`];
    case 'write-profile': {
      const settings = `thin_pool_autoextend_threshold=${step.thresholdPercent} thin_pool_autoextend_percent=${step.percent}`;
      return [`echo 'activation { ${settings} }' > /etc/lvm/profile/${step.profile}.profile`];
    }
    case 'remove-profile':
      return [`rm -f /etc/lvm/profile/${step.profile}.profile`];
    case 'make-files':
      return [
        `mkdir -p -m 700 ${step.makeup.dir}`,
        `truncate --size=${step.dataBytes} ${step.makeup.dir}/data`,
        `truncate --size=${step.metadataBytes} ${step.makeup.dir}/metadata`,
      ];
    case 'remove-files':
      return [
        `rm -f ${step.dir}/data ${step.dir}/metadata`,
        ...(step.directory ? [`rmdir --ignore-fail-on-non-empty ${step.dir}`] : []),
      ];
    case 'assemble':
      return assembly(step.pool, step.dataBytes);
    case 'disassemble':
      return disassembly(step.pool);
  }
}

function assembly({ name, makeup }: PoolRef, dataBytes: Parameters<typeof poolGeometry>[0]): readonly string[] {
  if (makeup.kind === 'lvm') return [`lvm lvchange --activate y ${makeup.vg}/${makeup.lv}`];
  const { sizeSectors, lowWaterBlocks } = poolGeometry(dataBytes, makeup.blockSectors);
  const [metadata, data] =
    makeup.kind === 'raw' ? [makeup.metadataPath, makeup.dataPath] : ['$METADATA_LOOP', '$DATA_LOOP'];
  const words = [makeup.blockSectors, lowWaterBlocks, makeup.features.length, ...makeup.features].join(' ');
  const table = `0 ${sizeSectors} thin-pool ${metadata} ${data} ${words}`;
  const create = `dmsetup create ${name} --uuid ${makeup.uuid} --table "${table}"`;
  if (makeup.kind === 'raw') return [create];
  const attach = 'losetup --find --show --nooverlap --direct-io=on';
  return [`DATA_LOOP=$(${attach} ${makeup.dir}/data)`, `METADATA_LOOP=$(${attach} ${makeup.dir}/metadata)`, create];
}

function disassembly({ name, makeup }: PoolRef): readonly string[] {
  switch (makeup.kind) {
    case 'lvm':
      return [`lvm lvchange --activate n ${makeup.vg}/${makeup.lv}`];
    case 'raw':
      return [`dmsetup remove ${name}`];
    case 'loop':
      return [
        `dmsetup remove ${name}`,
        ...LOOP_FILES.map((file) => `losetup --detach $(losetup -nO NAME -j ${makeup.dir}/${file})`),
      ];
  }
}
