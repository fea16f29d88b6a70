// The table of shared texts answers what it was given, whether it keeps it or not, and has an end.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SHARED_MAX, share, sharedCount } from '../../../src/main/catalog/shared-texts.ts';

test('share() answers the same text, also when it is too long to keep or when there are too many', () => {
  // Other files of the same run may have shared some before.
  const before = sharedCount();
  const long = 'x'.repeat(10_000);
  assert.is(share(long), long);
  assert.is(sharedCount(), before);
  for (let number = 0; number < 2 * SHARED_MAX; number += 1) assert.is(share(`text ${number}`), `text ${number}`);
  assert.is(sharedCount(), SHARED_MAX);
});

test.run();
