// `thinsnap catalog repair`: brings back what can be brought back of a damaged catalog, says what that is, and holds it
// against the volumes.

import { toFault } from '../../../shared/faults.ts';
import { type Repaired, repairCatalog } from '../../catalog/repair.ts';
import type { Config } from '../../config/config.ts';
import { compare } from '../../upkeep/comparison.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { withMeanings } from '../daemon/stopped-check.ts';
import { loadRoot, ROOT_OPTIONS, withStoppedRoot } from '../daemon/stopped-root.ts';
import { withStoppedVolumes } from '../daemon/stopped-volumes.ts';
import { comparisonLines } from '../show/comparison-lines.ts';
import { showCount } from '../show/format.ts';

export const catalogRepair: Command = {
  kind: 'command',
  name: 'repair',
  summary: 'bring back what can be read of a damaged catalog',
  about: 'Makes a new catalog of what can be read of a damaged one, which is kept beside it. The daemon must not run.',
  options: ROOT_OPTIONS,
  operands: [],
  notes: [
    'Says what came back and what did not, and holds it against the thin ids of the pool, or the block files. A catalog that is whole is left as it is.',
    'A catalog that was repaired leaves devices alone that it does not know: nothing is deleted because a record was lost.',
  ],
  examples: ['thinsnap catalog repair', 'thinsnap catalog repair --config /etc/thinsnap/config.toml'],
  run: async (found, writer) => {
    const config = await loadRoot(found);
    const lines = await withStoppedRoot(config, async () => {
      const repaired = await repairCatalog(config.rootPath);
      return [...linesOf(repaired), ...(await compared(config, repaired))];
    });
    writer.out(`${lines.join('\n')}\n`);
    return EXIT_OK;
  },
};

/** As `thinsnap check` says it; why it was not looked at, where that is not possible. */
async function compared(config: Config, { identity, ...records }: Repaired): Promise<readonly string[]> {
  if (identity === null) return ['not held against volumes: there are none yet'];
  const where = identity.kind === 'blockfile' ? 'the block files' : `pool ${identity.poolName}`;
  try {
    const found = await withStoppedVolumes(config, { identity, ...records }, compare);
    return [`held against ${where}:`, ...comparisonLines(withMeanings(found))];
  } catch (error) {
    return [`not held against ${where}: ${toFault(error).message}`];
  }
}

function linesOf(repaired: Repaired): readonly string[] {
  const counts = `${showCount(repaired.snapshots, 'snapshot')} and ${showCount(repaired.devices.length, 'device')}`;
  if (repaired.kind === 'whole') return [`the catalog is whole: ${counts}`];
  const { expected, batchesMissing, lost, filled, kept } = repaired;
  return [
    `${counts} came back`,
    expected === null
      ? 'nothing that came back says how many there were'
      : `the newest state that came back had ${expected.snapshots} and ${expected.devices}`,
    batchesMissing === null
      ? 'nothing says whether that was the last one'
      : `batches of changes after it that did not come back: ${batchesMissing}`,
    ...filled.map((line) => `from the newest backup: ${line}`),
    ...lost.map((line) => `lost: ${line}`),
    ...(kept === null ? [] : [`the damaged one is kept in ${kept}`]),
  ];
}
