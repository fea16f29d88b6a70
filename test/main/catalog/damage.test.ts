// Damaged files of a catalog: each start is refused with a message, and changes nothing, or has everything that was
// acknowledged. Never less in silence.
//
// THINSNAP_DAMAGE_RUNS=200 flips so many bits of each kind of file, and cuts a quarter as many; a few of each unless it is
// set. A failure tells THINSNAP_DAMAGE_SEED, which does the same again.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Catalog } from '../../../src/main/catalog/catalog.ts';
import { FaultError } from '../../../src/shared/faults.ts';
import {
  type Damage,
  damagesOf,
  FILE_KINDS,
  FOLDER_DAMAGES,
  LOCK_FOLDER_DAMAGES,
} from '../../support/damage/damages.ts';
import {
  copyRoot,
  type Days,
  type Facts,
  factsOf,
  makeDays,
  readRoot,
  withCatalog,
} from '../../support/damage/days.ts';
import { randomFrom } from '../../support/random.ts';
import { pairOf } from '../../support/records.ts';
import { withScratch } from '../../support/scratch.ts';

const test = suite('damage');

const SAMPLE = 3;
const CUTS_SHARE = 4;
const { THINSNAP_DAMAGE_RUNS: runs, THINSNAP_DAMAGE_SEED: givenSeed } = process.env;
const LOCK_ADVICE = /^Cannot lock .* It holds no data: where it is damaged, remove it$/s;
const flips = Number(runs ?? SAMPLE);
const seed = Number(givenSeed ?? Date.now() % 2 ** 32);

interface Outcome {
  readonly end: 'refused' | 'whole' | 'WRONG';
  readonly what: string;
}

/** Opens a damaged root; what it says of it, and whether that is right. */
async function judge(root: string, acknowledged: Facts): Promise<Outcome> {
  const before = await readRoot(root);
  let catalog: Catalog;
  try {
    catalog = await Catalog.open(root);
  } catch (error) {
    if (!(error instanceof FaultError)) return { end: 'WRONG', what: String(error) };
    if (error.code !== 'io' && error.code !== 'unsupported') return { end: 'WRONG', what: error.message };
    if (!/^Cannot .*: .*(Run |Start |remove )/s.test(error.message)) {
      return { end: 'WRONG', what: `says not what to do: ${error.message}` };
    }
    const after = await readRoot(root);
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
      (file) => before.get(file) !== after.get(file),
    );
    // An empty folder, or an empty lock in it, is nothing that could be missed.
    const harmful = changed.filter((file) => !file.endsWith('/LOCK'));
    if (harmful.length > 0) return { end: 'WRONG', what: `changed ${harmful.join(', ')}: ${error.message}` };
    return LOCK_ADVICE.test(error.message)
      ? judgeWithoutLock(root, acknowledged)
      : { end: 'refused', what: error.message };
  }
  return judgeOpen(catalog, acknowledged);
}

async function judgeOpen(catalog: Catalog, acknowledged: Facts): Promise<Outcome> {
  const same = factsOf(catalog.tables).join('\n') === acknowledged.join('\n');
  await catalog.close();
  return { end: same ? 'whole' : 'WRONG', what: same ? '' : 'opens, and holds something else' };
}

/** Does as the refusal says: nothing else may be in the way then. */
async function judgeWithoutLock(root: string, acknowledged: Facts): Promise<Outcome> {
  await rm(join(root, 'lock'), { recursive: true });
  const { end, what } = await judgeOpen(await Catalog.open(root), acknowledged);
  return end === 'whole' ? { end: 'refused', what } : { end, what };
}

async function runDamages(damages: readonly Damage[]): Promise<ReadonlyMap<string, number>> {
  const ends = new Map<string, number>();
  const root = join(dir, 'damaged');
  for (const [index, damage] of damages.entries()) {
    await rm(root, { recursive: true, force: true });
    const day = index % 2 === 0 ? 'stopped' : 'killed';
    await copyRoot(days[day], root);
    const done = await damage.apply(root, days);
    const { end, what } = await judge(root, days.acknowledged[day]);
    if (end === 'WRONG') assert.unreachable(`${what}\n${done}\nTHINSNAP_DAMAGE_SEED=${seed}`);
    const name = `${damage.name} ${end}`;
    ends.set(name, (ends.get(name) ?? 0) + 1);
  }
  return ends;
}

function report(kind: string, ends: ReadonlyMap<string, number>): void {
  if (runs === undefined) return;
  const list = [...ends].map(([name, count]) => `${name} ${count}`).sort();
  process.stdout.write(`\n${kind}: ${list.join(', ')}\n`);
}

let dir = '';
let days: Days;
test.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-damage-'));
  days = await makeDays(dir);
});
test.after(() => rm(dir, { recursive: true, force: true }));

test('what is not damaged opens, after a stop and after a kill', async () => {
  const nothing: Damage = { name: 'nothing', apply: async () => 'nothing' };
  assert.equal([...(await runDamages([nothing, nothing]))], [['nothing whole', 2]]);
});

for (const kind of Object.keys(FILE_KINDS) as (keyof typeof FILE_KINDS)[]) {
  test(`Catalog.open refuses a damaged ${kind}, or has everything all the same`, async () => {
    const counts = { flips, cuts: Math.ceil(flips / CUTS_SHARE) };
    report(kind, await runDamages(damagesOf(kind, counts, randomFrom(seed))));
  });
}

test('Catalog.open refuses an empty folder, a lost one, and that of yesterday', async () => {
  const ends = await runDamages(FOLDER_DAMAGES);
  assert.equal(
    [...ends.keys()],
    FOLDER_DAMAGES.map(({ name }) => `${name} refused`),
  );
  report('folder', ends);
});

test('Catalog.open makes a lock that is lost or empty anew, and takes that of yesterday', async () => {
  const ends = await runDamages(LOCK_FOLDER_DAMAGES);
  assert.equal(
    [...ends.keys()],
    LOCK_FOLDER_DAMAGES.map(({ name }) => `${name} whole`),
  );
});

test('Catalog.open takes a log whose end a power loss tore, with all that was acknowledged', async () => {
  await withScratch(async (scratch) => {
    const [root, before, torn] = [join(scratch, 'root'), join(scratch, 'before'), join(scratch, 'torn')];
    let log = '';
    let whole = Buffer.alloc(0);
    await withCatalog(root, async (catalog) => {
      await catalog.write(pairOf('a', 1));
      await catalog.write(pairOf('b', 2));
      await copyRoot(root, before);
      const names = await readdir(join(root, 'catalog'));
      log = join('catalog', names.find((name) => name.endsWith('.log')) ?? '');
      await catalog.write(pairOf('c', 3));
      whole = await readFile(join(root, log));
    });
    const { length: from } = await readFile(join(before, log));
    const step = Math.ceil((whole.length - from) / (4 * SAMPLE));
    for (let end = from; end <= whole.length; end += step) {
      for (const zeros of [0, 512]) {
        await rm(torn, { recursive: true, force: true });
        await copyRoot(before, torn);
        await writeFile(join(torn, log), Buffer.concat([whole.subarray(0, end), Buffer.alloc(zeros)]));
        await withCatalog(torn, async ({ tables }) => {
          const keys = [...tables.snapshots.keys()].join(' ');
          assert.ok(['a b', 'a b c'].includes(keys), `${keys} after ${end} bytes and ${zeros} zeros`);
          assert.is(tables.devices.size, tables.snapshots.size);
        });
      }
    }
  });
});

test.run();
