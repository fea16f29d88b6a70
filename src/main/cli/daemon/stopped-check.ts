// The comparison of `thinsnap check` without a daemon: its records and its volumes, both held so that none starts meanwhile.

import { readStopped } from '../../catalog/opening.ts';
import type { Config } from '../../config/config.ts';
import { type Comparison, check, RULES, type Wish } from '../../upkeep/comparison.ts';
import type { ShownComparison } from '../show/comparison-lines.ts';
import { withStoppedRoot } from './stopped-root.ts';
import { withStoppedVolumes } from './stopped-volumes.ts';

/** Faults: `unavailable` while a daemon has the root or the pool; `not-found` when there is none; of the catalog and the pool. */
export async function checkStopped(config: Config, wish: Wish): Promise<ShownComparison> {
  return withStoppedRoot(config, async () => {
    const { head, identity, devices } = await readStopped(config.rootPath);
    if (identity === null) return { differences: [], omitted: 'there are no volumes yet' };
    const records = { catalogId: head.catalogId, identity, restored: head.restored, devices };
    return withMeanings(await withStoppedVolumes(config, records, (parts) => check(parts, wish)));
  });
}

export function withMeanings({ differences, omitted }: Comparison): ShownComparison {
  return { omitted, differences: differences.map((each) => ({ ...each, meaning: RULES[each.rule] })) };
}
