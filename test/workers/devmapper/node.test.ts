// Which names may become paths; the links themselves are in test/vm.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nodePath } from '../../../src/workers/devmapper/node.ts';

test('nodePath() answers the path of a name of ours', () => {
  assert.is(nodePath('thinsnap-snap-7'), '/dev/mapper/thinsnap-snap-7');
});

for (const name of ['', '.', '..', 'control', 'a/b', 'a b', 'a\n', 'ä', '$(id)', '%n', 'n'.repeat(128)]) {
  test(`nodePath() refuses ${JSON.stringify(name)}`, () => {
    assert.throws(() => nodePath(name), /Cannot use .* as a device's name/);
  });
}

test.run();
