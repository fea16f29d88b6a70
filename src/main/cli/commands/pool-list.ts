// `thinsnap pool list`: the pools that have a description.

import { formatSize } from '../../../shared/sizes.ts';
import { parseBytes } from '../../../shared/units.ts';
import { namesIn, type PoolDescription, readDescription } from '../../pools/description.ts';
import { factsIfActive } from '../../pools/facts.ts';
import { type Command, EXIT_OK } from '../command.ts';
import { jsonOption } from '../options.ts';
import { POOL_OPTIONS, type PoolSession, withPools } from '../pools/pool-session.ts';
import { poolJson, showPercent, showPlace, showState, usageOf } from '../pools/pool-text.ts';
import { showJson } from '../show/format.ts';
import { type Column, tableLines } from '../show/layout.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NAME', align: 'left', gives: 'never' },
  { title: 'KIND', align: 'left', gives: 'never' },
  { title: 'SIZE', align: 'right', gives: 'never' },
  { title: 'DATA', align: 'right', gives: 'never' },
  { title: 'METADATA', align: 'right', gives: 'never' },
  { title: 'STATE', align: 'left', gives: 'never' },
  { title: 'ON', align: 'left', gives: 'shrinks' },
];

export const poolList: Command = {
  kind: 'command',
  name: 'list',
  summary: 'pools that thinsnap made, with size, use and state',
  about: 'Lists the pools that have a description: those that "thinsnap pool create" made.',
  options: [jsonOption('[{"name": ..., "makeup": ..., "active": ..., "live": ...}, ...]'), ...POOL_OPTIONS],
  operands: [],
  notes: [],
  examples: ['thinsnap pool list', 'thinsnap pool list --json'],
  run: (found, writer) =>
    withPools(found, async (session) => {
      const all = await readAll(session);
      const pools = await Promise.all(
        all.map(async (description) => ({ description, facts: await factsIfActive(session.tasks, description.name) })),
      );
      if (found.switches.has('json')) {
        writer.out(
          showJson(
            pools.map(({ description, facts }) => poolJson(description, facts)),
            'pretty',
          ),
        );
        return EXIT_OK;
      }
      const rows = pools.map(({ description, facts }) => {
        const usage = facts === null ? null : usageOf(facts);
        return [
          description.name,
          description.makeup.kind,
          usage === null ? '-' : formatSize(parseBytes(usage.dataBytes)),
          usage === null ? '-' : showPercent(usage.dataUsedBytes, usage.dataBytes),
          usage === null ? '-' : showPercent(usage.metadataUsedBytes, usage.metadataBytes),
          showState(description, facts),
          showPlace(description.makeup),
        ];
      });
      writer.out(rows.length === 0 ? 'no pools\n' : `${tableLines(COLUMNS, rows, writer).join('\n')}\n`);
      return EXIT_OK;
    }),
};

async function readAll({ directory }: PoolSession): Promise<readonly PoolDescription[]> {
  const names = await namesIn(directory);
  const found = await Promise.all(names.map((name) => readDescription(directory, name)));
  // One may have been removed since.
  return found.filter((description) => description !== null);
}
