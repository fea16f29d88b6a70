// Which word is meant by one that is not on the list.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KEYS } from '../../../src/main/config/settings.ts';
import { didYouMean, suggest } from '../../../src/main/config/suggest.ts';

const MEANT: readonly (readonly [string, string | null])[] = [
  ['pool_nam', 'pool_name'],
  ['poolName', 'pool_name'],
  ['pool-name', 'pool_name'],
  ['POOL_NAME', 'pool_name'],
  ['polo_name', 'pool_name'],
  ['pool', 'pool_name'],
  ['root', 'root_path'],
  ['worker', 'workers'],
  ['fs_tpye', 'fs_type'],
  ['base_image', 'base_image_size'],
  ['quota', null],
  ['x', null],
  ['', null],
  ['constructor', null],
  ['w'.repeat(100), null],
];

for (const [word, expected] of MEANT) {
  test(`suggest() finds ${String(expected)} for "${word}"`, () => {
    assert.is(suggest(word, KEYS), expected);
  });
}

test('didYouMean() ends a message, or adds nothing', () => {
  assert.is(didYouMean('conifg', ['config', 'status'], '--'), ' (did you mean "--config"?)');
  assert.is(didYouMean('zzz', ['config', 'status']), '');
});

test.run();
