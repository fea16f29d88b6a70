// The chart of a burst: where its points lie, and that no text of a result can break it.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawBurst } from '../../../bench/vm/svg.ts';

function pointsOf(svg: string): readonly (readonly number[])[] {
  const [, points = ''] = /<polyline [^>]*points="([^"]*)"/.exec(svg) ?? [];
  return points.split(' ').map((point) => point.split(',').map(Number));
}

test('drawBurst() gives each power of ten the same height', () => {
  const svg = drawBurst([{ style: 'peer', label: 'peer', latenciesMs: [1, 10, 100] }], []);
  const [first, second, third] = pointsOf(svg).map(([, y = Number.NaN]) => y);
  assert.ok(Math.abs((first ?? 0) - (second ?? 0) - ((second ?? 0) - (third ?? 0))) < 0.2);
  assert.ok((first ?? 0) > (third ?? 0));
});

test('drawBurst() writes texts as texts', () => {
  const svg = drawBurst([{ style: 'peer', label: '<b>&', latenciesMs: [1, 2] }], ['<script>']);
  assert.not.match(svg, /<b>|<script>/);
  assert.match(svg, /&lt;b&gt;&amp;/);
});

test('drawBurst() refuses to draw nothing', () => {
  assert.throws(() => drawBurst([], []), /without a latency/);
});

test.run();
