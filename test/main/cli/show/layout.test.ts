// Columns: aligned, whole in a pipe, and never wider than the terminal.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Column, foldLine, pairLines, tableLines } from '../../../../src/main/cli/show/layout.ts';
import { widthOf } from '../../../../src/main/cli/show/plain-text.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NAME', align: 'left', gives: 'shrinks' },
  { title: 'SIZE', align: 'right', gives: 'never' },
  { title: 'AGE', align: 'right', gives: 'goes' },
  { title: 'PARENT', align: 'left', gives: 'shrinks' },
];
const ROWS = [
  ['short', '1B', '3d', '-'],
  ['a-name-that-is-rather-long', '1.25GiB', '4h', '漢字-as-a-parent'],
];

function on(columns: number | null) {
  return { screen: columns === null ? null : { columns, rows: 24 }, unicode: true };
}

test('tableLines() aligns columns and cuts nothing in a pipe', () => {
  assert.equal(tableLines(COLUMNS, ROWS, on(null)), [
    'NAME                           SIZE  AGE  PARENT',
    'short                            1B   3d  -',
    'a-name-that-is-rather-long  1.25GiB   4h  漢字-as-a-parent',
  ]);
});

test('tableLines() takes from the widest column first, then leaves columns out', () => {
  assert.equal(tableLines(COLUMNS, ROWS, on(50)), [
    'NAME                   SIZE  AGE  PARENT',
    'short                    1B   3d  -',
    'a-name-th…her-long  1.25GiB   4h  漢字-as-a-parent',
  ]);
  assert.equal(tableLines(COLUMNS, ROWS, on(36)), [
    'NAME             SIZE  PARENT',
    'short              1B  -',
    'a-name…-long  1.25GiB  漢字-a…parent',
  ]);
});

test('tableLines() keeps what leads a cell when it cuts it', () => {
  const rows = [[{ lead: '│  └─ ', text: 'a-name-that-is-rather-long' }, '1B', '', '']];
  assert.is(tableLines(COLUMNS, rows, on(40))[1]?.split(/ +1B/)[0], '│  └─ a-name-…er-long');
});

test('no line is wider than the terminal, whatever it is made of', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '漢', ' ', '😀'), maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, text, text, text), { maxLength: 5 }),
      fc.integer({ min: 20, max: 120 }),
      (rows, columns) => {
        const lines = [
          ...tableLines(COLUMNS, rows, on(columns)),
          ...rows.flatMap(([name, ...values]) =>
            pairLines([{ name: 'Name', value: [name, ...values].join(' ') }], on(columns)),
          ),
        ];
        for (const line of lines) assert.ok(widthOf(line) <= columns, `${widthOf(line)} of ${columns}: ${line}`);
      },
    ),
  );
});

test('foldLine() breaks at blanks, and inside a word only where it must', () => {
  assert.equal(foldLine('one two three', on(20), 8), ['one two', 'three']);
  assert.equal(foldLine('abcdefghijklmnopqrstuvwxyz', on(20), 8), ['abcdefghijkl', 'mnopqrstuvwx', 'yz']);
  assert.equal(foldLine('one two three', on(null), 8), ['one two three']);
});

test.run();
