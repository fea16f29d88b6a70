// The filter language, held against containerd's own cases (pkg/filters/filter_test.go and scanner_test.go) and
// against round trips of names and labels that nobody would choose.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FILTERS_CHARS_MAX,
  FILTERS_MAX,
  type FilterSubject,
  parseFilters,
} from '../../../../src/main/snapshots/filter/filter.ts';
import { isFault, toFault } from '../../../../src/shared/faults.ts';

function subject(name: string, labels: Record<string, string> = {}, parent = ''): FilterSubject {
  return { name, parent, kind: 'active', labels: new Map(Object.entries(labels)) };
}

const QUOTED_LABEL = 'more complex label with \\ and "';
const CORPUS = [
  subject('foo', { foo: 'true' }),
  subject('bar'),
  subject('foo', { foo: 'present', 'more complex label': 'present' }),
  subject('bar', { bar: 'true' }),
  subject('fooer', { [QUOTED_LABEL]: 'present' }),
  subject('fooer', { [`${QUOTED_LABEL}.post`]: 'present' }),
  subject('baz', {}, 'too complex, yo'),
  subject('bazo', {}, 'abc'),
  subject('compound', { foo: 'omg_asdf.asdf-qwer' }),
];
const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8];

function matched(filters: readonly string[]): readonly number[] {
  const matches = parseFilters(filters);
  return ALL.filter((index) => CORPUS.slice(index, index + 1).some(matches));
}

const CASES: readonly (readonly [filter: string, expected: readonly number[]])[] = [
  ['', ALL],
  ['name', ALL],
  ['parent', ALL],
  ['kind', ALL],
  ['labels.foo', [0, 2, 8]],
  ['labels.foo,name', [0, 2, 8]],
  ['labels.foo==true', [0]],
  ['labels.foo==omg_asdf.asdf-qwer', [8]],
  ['name==bar', [1, 3]],
  ['name!=bar', [0, 2, 4, 5, 6, 7, 8]],
  ['name==bar,labels.bar', [3]],
  ['parent=="too complex, yo"', [6]],
  ['parent~=[abc]+,name!=foo', [6, 7]],
  ['parent~=/[abc]+/,name!=foo', [6, 7]],
  ['parent~=|[abc]+|,name!=foo', [6, 7]],
  ['parent~="[abc]+",name!=foo', [6, 7]],
  ['parent~=/[abc]{1,2}/,name!=foo', [6, 7]],
  ['parent~=/[abc]{0,1}"\\//,name!=foo', []],
  ['name==bar,labels.bar==true', [3]],
  ['name==bar,labels.bar==wrong', []],
  ['name==foo,labels."more complex label"', [2]],
  ['labels."more complex label with \\\\ and \\""==present', [4]],
  ['labels."more complex label with \\\\ and \\"".post==present', [5]],
  ['"name"==bar', [1, 3]],
  [' name == bar, labels.bar', [3]],
  ['name.anything==bar', [1, 3]],
  ['unknown', []],
  ['unknown!=x', ALL],
  ['unknown==x', []],
  ['unknown~=^$', ALL],
  ['labels.foo!=true', [1, 2, 3, 4, 5, 6, 7, 8]],
  ['labels.foo~=^$', [1, 3, 4, 5, 6, 7]],
  ['labels', []],
  ['kind==active,name~=^b', [1, 3, 6, 7]],
  ['name~=/^(?i)FOO\\\\w*$/', [0, 2, 4, 5]],
  ['name=="b\\x61\\162"', [1, 3]],
  ['name=="\\u0062\\U00000061r"', [1, 3]],
  ['name=="\\xff"', []],
  ['name!="\\xff"', ALL],
  ['name==foo=~!"/|', []],
];

for (const [filter, expected] of CASES) {
  test(`parseFilters() picks what containerd picks when the filter is ${JSON.stringify(filter)}`, () => {
    assert.equal(matched([filter]), expected);
  });
}

test('parseFilters() asks for everything when there are no filters', () => {
  assert.equal(matched([]), ALL);
});

test('parseFilters() takes the filters of a list as alternatives when there are several', () => {
  assert.equal(matched(['name==bar', 'name==baz']), [1, 3, 6]);
  assert.equal(matched(['name==bar', '']), ALL);
});

const FAULTS: readonly (readonly [filter: string, message: RegExp])[] = [
  ['labels.|foo|==omg', /: at 7 in \[labels\. >\|\|\|< foo\|==omg\]: invalid quote encountered$/],
  ['labels.?"more"==present', /: at 7 in \[labels\. >\|\?\|< "more"==present\]: expected field or quoted$/],
  ['name==foo,', /: at 10 in \[name==foo,\]: expected field or quoted$/],
  ['labels.', /: at 7 in \[labels\.\]: expected field or quoted$/],
  ['image~=,id?=?fbaq', /: at 7 in \[image~= >\|,\|< id\?=\?fbaq\]: expected value or quoted$/],
  ['labels.ns/key==value', /: at 9 in \[labels\.ns >\|\/\|< key==value\]: quoted literal not terminated$/],
  ['labels.key==/value', /: at 12 in \[labels\.key== >\|\/\|< value\]: quoted literal not terminated$/],
  ['labels.containerd.io/key==value', /quoted literal not terminated$/],
  ['labels."containerd.io\nkey"==value', /quoted literal not terminated$/],
  ['labels."\\g"', /illegal escape sequence$/],
  ['labels."\\xaz"', /illegal numeric escape sequence$/],
  ['labels."\\400"', /illegal numeric escape sequence$/],
  ['labels."\\UFFFFFFFF"', /illegal numeric escape sequence$/],
  ['name~=/\\d/', /illegal escape sequence$/],
  ['name=="\\/"', /illegal escape sequence$/],
  ['name==/foo/', /invalid quote encountered$/],
  ['foo\0bar', /unexpected null$/],
  ['name=="a\0b"', /unexpected null$/],
  ['na\uFFFDme', /rune error$/],
  ['doublevalue==value value', /unexpected input: " "$/],
  ['name==value ', /unexpected input: " "$/],
  ['name ', /expected an operator \("=="\|"!="\|"~="\)$/],
  ['name .x', /expected an operator/],
  ['name=foo', /at 4 in \[name >\|=\|< foo\]: unsupported operator "="$/],
  ['name!', /unsupported operator "!"$/],
  ['name===foo', /unsupported operator "==="$/],
  ['name==', /expected value or quoted$/],
  ['name==.foo', /expected value or quoted$/],
  ['==foo', /expected field or quoted$/],
  [',', /expected field or quoted$/],
  ['name~=(', /Cannot use the regular expression "\(".*missing closing \)/],
  ['name~=/(?=a)/', /Cannot use the regular expression/],
  ['name~="\\xff"', /invalid UTF-8/],
  [`name~=/${'\\\\pL{1000}'.repeat(11)}/`, /compiles to more than 10000 instructions/],
];

for (const [filter, message] of FAULTS) {
  test(`parseFilters() refuses and shows the place when the filter is ${JSON.stringify(filter)}`, () => {
    assert.throws(
      () => parseFilters(['name', filter]),
      (error: unknown) => {
        assert.match(String(error), message);
        return isFault(error, 'invalid');
      },
    );
  });
}

test('parseFilters() keeps its message short when the filter is long', () => {
  assert.throws(
    () => parseFilters([`name==${'\n'.repeat(9)}${'x'.repeat(100_000)} y`]),
    (error: unknown) => error instanceof Error && error.message.length < 300,
  );
});

test('parseFilters() refuses a list when it is longer than its bounds', () => {
  assert.throws(() => parseFilters(Array.from({ length: FILTERS_MAX + 1 }, () => 'name')), /at most 4096 fit/);
  assert.throws(() => parseFilters([`name==${'x'.repeat(FILTERS_CHARS_MAX)}`]), /at most 1048576 fit/);
});

test('parseFilters() answers in linear time when the expression would run away with backtracking', () => {
  const matches = parseFilters(['name~=/^(x+x+)+y$/']);
  assert.is(matches(subject('x'.repeat(10_000))), false);
});

/** As Go's %q would, in the two escapes that every text can be written with. */
function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\0', '\\x00')}"`;
}

const TEXT = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\uFFFD'));

test('parseFilters() finds exactly the name when it is quoted', () => {
  fc.assert(
    fc.property(TEXT, TEXT, (name, other) => {
      const matches = parseFilters([`name==${quote(name)}`]);
      assert.is(matches(subject(name)), true);
      assert.is(matches(subject(other)), other === name);
    }),
  );
});

test('parseFilters() finds the label when its key is quoted in parts', () => {
  fc.assert(
    fc.property(fc.array(TEXT, { minLength: 1 }), TEXT, (parts, value) => {
      const matches = parseFilters([`labels.${parts.map(quote).join('.')}==${quote(value)}`]);
      assert.is(matches(subject('x', Object.fromEntries([[parts.join('.'), value]]))), true);
    }),
  );
});

test('parseFilters() finds a literal when it is escaped byte by byte', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      const bytes = [...Buffer.from(name)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`);
      assert.is(parseFilters([`name=="${bytes.join('')}"`])(subject(name)), true);
    }),
  );
});

function outcome(filter: string): string {
  try {
    return String(parseFilters([filter])(subject('x')));
  } catch (error) {
    return toFault(error).code;
  }
}

test('parseFilters() answers or refuses with invalid when the filter is garbage', () => {
  const garbage = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom(...'name labels . , = ! ~ " / | \\ x u 7 ( [ * \0 \n'.split(' ')))
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(garbage, (filter) => {
      assert.match(outcome(filter), /^(true|false|invalid)$/);
    }),
    { numRuns: 2000 },
  );
});

test.run();
