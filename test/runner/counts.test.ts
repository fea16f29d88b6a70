// What is read from uvu's output, above all the runs that look well and are not.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addCounts, filesWithoutTests, formatCounts, NO_COUNTS, parseCounts } from './counts.ts';

const SUMMARY =
  '\n  Total:     3\n\u001b[32m  Passed:    2\u001b[39m\n  Skipped:   \u001b[33m1\u001b[39m\n  Duration:  1ms\n';

test('parseCounts() reads a summary in colours', () => {
  assert.equal(parseCounts(`• ✘ •   (2 / 3)\n${SUMMARY}`), { passed: 2, failed: 1, skipped: 1 });
});

test('parseCounts() believes the last of several summaries', () => {
  const nested = SUMMARY.replace('Total:     3', 'Total:     9');
  assert.equal(parseCounts(nested + SUMMARY), { passed: 2, failed: 1, skipped: 1 });
});

test('parseCounts() answers null when a run ended before its summary', () => {
  assert.is(parseCounts('• • Exiting early before testing is finished.'), null);
});

test('parseCounts() counts tests that never ran as failed', () => {
  assert.equal(parseCounts('\n  Total:     4\n  Passed:    0\n  Skipped:   0\n'), { passed: 0, failed: 4, skipped: 0 });
});

test('filesWithoutTests() names a file without test.run() and one whose suites are empty', () => {
  const output = 'a.test.js\n• •   (2 / 2)\n\nb/c.test.js\n\nd.test.js\n  (0 / 0)\n';
  assert.equal(filesWithoutTests(output), ['b/c.test.js', 'd.test.js']);
});

test('filesWithoutTests() is content with one full suite of two', () => {
  assert.equal(filesWithoutTests('a.test.js\n  (0 / 0)\n•   (1 / 1)\n'), []);
});

test('formatCounts() mentions skipped tests only when there are some', () => {
  assert.is(formatCounts({ passed: 1, failed: 0, skipped: 0 }), '1 passed, 0 failed');
  assert.is(formatCounts({ passed: 1, failed: 2, skipped: 3 }), '1 passed, 2 failed, 3 skipped');
});

test('addCounts() adds each kind', () => {
  const counts = { passed: 1, failed: 2, skipped: 3 };
  assert.equal(addCounts(counts, counts), { passed: 2, failed: 4, skipped: 6 });
  assert.equal(addCounts(NO_COUNTS, counts), counts);
});

test.run();
