// How a run that never ended is noticed by the next one.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { beginRun, endRun } from '../../../src/main/upkeep/clean-stop.ts';
import { withScratch } from '../../support/scratch.ts';

test('beginRun() answers clean for a first run and after endRun(), and unclean after a run that never ended', async () => {
  await withScratch(async (root) => {
    assert.equal(await beginRun(root), { unclean: false });
    await endRun(root);
    assert.equal(await beginRun(root), { unclean: false });
    assert.equal(await beginRun(root), { unclean: true });
    assert.equal(await beginRun(root), { unclean: true });
  });
});

test.run();
