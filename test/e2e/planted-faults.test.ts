// The tests' own test: a fault that is planted in the sources on purpose turns red the test that is to tell of it.
//
// THINSNAP_PLANTED_FAULTS: how many, drawn anew in each run; `all`.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCounts, plain } from '../runner/counts.ts';
import { judgeEnd } from '../runner/test-file.ts';
import { PLANTED_FAULTS } from '../support/planted/faults.ts';
import { PlantedTree, planted } from '../support/planted/tree.ts';
import { drawn } from '../support/random.ts';
import { asRootWith } from '../support/requirements.ts';

const { THINSNAP_PLANTED_FAULTS: wanted = '3' } = process.env;
const ROOT = process.cwd();

test('each fault has its one place in the sources', async () => {
  for (const fault of PLANTED_FAULTS) planted(fault, await readFile(join(ROOT, fault.file), 'utf8'));
});

const faults = drawn(PLANTED_FAULTS, wanted);
/** What each test file comes to without a fault. */
const baselines = new Map<string, Promise<string>>();
let tree: PlantedTree;

const asRoot = asRootWith(test, 'losetup');
const dir = await mkdtemp(join(tmpdir(), 'thinsnap-test-'));
test.before(async () => {
  tree = await PlantedTree.make(ROOT, join(dir, 'tree'));
});
test.after(() => rm(dir, { recursive: true, force: true }));

for (const fault of faults) {
  asRoot(`${fault.toldBy} tells when ${fault.title}`, async () => {
    const { toldBy } = fault;
    const baseline = baselines.get(toldBy) ?? failureOf(toldBy);
    baselines.set(toldBy, baseline);
    assert.is(await baseline, '', `${toldBy} fails without a fault`);
    const failure = await tree.with(fault, () => failureOf(toldBy));
    assert.is.not(failure, '', `${toldBy} tells nothing`);
    process.stdout.write(`${fault.title}: ${failure}\n`);
  });
}

test.run();

/** The first test of that file that fails, or how else it did; empty: it did not. */
async function failureOf(name: string): Promise<string> {
  const outcome = await tree.run(name, dir);
  const [complaint = ''] = judgeEnd(outcome);
  const failed = (parseCounts(outcome.output)?.failed ?? 0) > 0;
  return failed ? (/FAIL .*?"(.*?)"/.exec(plain(outcome.output))?.[1] ?? 'a test failed') : complaint;
}
