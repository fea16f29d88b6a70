// What a client sent, as a terminal gets it.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cutEnd, cutMiddle, plainLines, showKey, showWord, widthOf } from '../../../../src/main/cli/show/plain-text.ts';
import { anyText } from '../../../support/records.ts';

const UNICODE = { unicode: true };
const ASCII = { unicode: false };

// What was sent, and what is shown where Unicode is.
const KEYS: readonly (readonly [string, string])[] = [
  ['default/12/extract-1 sha256:ab', 'default/12/extract-1 sha256:ab'],
  ['über 漢字 😀', 'über 漢字 😀'],
  ['a\\nb', 'a\\nb'],
  ['', '""'],
  ['"a"', String.raw`"\"a\""`],
  [' a', '" a"'],
  ['a ', '"a "'],
  ['a  committed  0B', '"a  committed  0B"'],
  ['a\nb\tc\r\0', String.raw`"a\nb\tc\r\u0000"`],
  ['\u001b[31mred\u001b[0m', String.raw`"\u001b[31mred\u001b[0m"`],
  ['\u009b31m', String.raw`"\u009b31m"`],
  ['\u007f', String.raw`"\u007f"`],
  ['\u202egpj.exe', String.raw`"\u202egpj.exe"`],
  ['zero\u200bwidth', String.raw`"zero\u200bwidth"`],
  ['e\u0301', String.raw`"e\u0301"`],
  ['\u2764\ufe0f', String.raw`"❤\ufe0f"`],
  ['filler\u3164', String.raw`"filler\u3164"`],
  ['a\u00a0b\u2028c', String.raw`"a\u00a0b\u2028c"`],
  ['שלום', String.raw`"\u05e9\u05dc\u05d5\u05dd"`],
  ['\u{e0041}', String.raw`"\udb40\udc41"`],
];

for (const [sent, shown] of KEYS) {
  test(`showKey() shows ${JSON.stringify(sent)} as it can be seen and nothing else`, () => {
    assert.is(showKey(sent, UNICODE), shown);
    if (shown.startsWith('"')) assert.is(JSON.parse(shown), sent);
  });
}

test('showKey() shows ASCII alone where the terminal has no more', () => {
  assert.is(showKey('über', ASCII), String.raw`"\u00fcber"`);
  assert.is(showKey('😀', ASCII), String.raw`"\ud83d\ude00"`);
  assert.is(showKey('plain key', ASCII), 'plain key');
});

test('showKey() shows no two texts alike, and nothing that a terminal acts on', () => {
  const text = fc.oneof(anyText, fc.string({ unit: fc.constantFrom('\u001b', '[', '"', '\\', 'n', '\n', ' ', 'é') }));
  fc.assert(
    fc.property(text, fc.boolean(), (sent, unicode) => {
      const shown = showKey(sent, { unicode });
      assert.not.match(shown, /[\p{C}\p{M}\p{Zl}\p{Zp}]/u);
      if (!unicode) assert.match(shown, /^[ -~]*$/);
      assert.is(shown.startsWith('"') ? JSON.parse(shown) : shown, sent);
    }),
    { numRuns: 2000 },
  );
});

test('showWord() quotes what holds a blank', () => {
  assert.is(showWord('a b', UNICODE), '"a b"');
  assert.is(showWord('ab', UNICODE), 'ab');
});

test('plainLines() keeps line feeds and escapes everything else', () => {
  assert.is(plainLines('one\ntwo\u001b[2J\rthree'), 'one\ntwo\\u001b[2J\\u000dthree');
});

test('widthOf() counts what is drawn in two columns twice', () => {
  assert.is(widthOf('abc'), 3);
  assert.is(widthOf('漢字'), 4);
  assert.is(widthOf('😀é'), 3);
});

test('cutMiddle() keeps beginning and end, and never more than the columns', () => {
  assert.is(cutMiddle('sha256:0123456789', 9, UNICODE), 'sha2…6789');
  assert.is(cutMiddle('sha256:0123456789', 9, ASCII), 'sha2~6789');
  assert.is(cutMiddle('short', 9, UNICODE), 'short');
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '漢', '😀') }), fc.nat(20), (text, columns) => {
      assert.ok(widthOf(cutMiddle(text, columns, UNICODE)) <= columns);
      assert.ok(widthOf(cutEnd(text, Math.max(1, columns), UNICODE)) <= Math.max(1, columns));
    }),
  );
});

test.run();
