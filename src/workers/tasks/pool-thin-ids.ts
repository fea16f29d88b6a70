// The thin ids that a pool holds, read by thin_ls from a metadata snapshot while the pool is in use.

import { FaultError } from '../../shared/faults.ts';
import type { TaskArgs } from '../../shared/tasks.ts';
import { parseThinId, type ThinId } from '../../shared/units.ts';
import type { Engine } from '../devmapper/engine.ts';
import { runTool } from '../exec.ts';
import { withMetadataSnapshot } from '../pools/metadata-snapshot.ts';

const THIN_LS_TIMEOUT_MS = 120_000;
// All 2^24 ids that a pool can hold, 8 digits and a newline each.
const THIN_LS_MAX_BYTES = 9 * 2 ** 24;

export async function poolThinIds(engine: Engine, { pool }: TaskArgs<'poolThinIds'>): Promise<readonly ThinId[]> {
  const { stdout } = await withMetadataSnapshot(engine, pool, (metadataPath) =>
    runTool('thin_ls', ['-m', '--no-headers', '-o', 'DEV', metadataPath], {
      timeoutMs: THIN_LS_TIMEOUT_MS,
      wholeMaxBytes: THIN_LS_MAX_BYTES,
    }),
  );
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(parseId);
}

function parseId(line: string): ThinId {
  if (/^\d+$/.test(line)) return parseThinId(Number(line));
  throw new FaultError('io', `Cannot read what thin_ls answers: ${JSON.stringify(line)}`);
}
