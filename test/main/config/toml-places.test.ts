// The scanner against the parser: what it says stands at a place, read alone, is what the parser found at that path.

import fc from 'fast-check';
import { parse } from 'toml';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isTable } from '../../../src/main/config/parse-toml.ts';
import { locateToml, placeId } from '../../../src/main/config/toml-places.ts';

/** Every value of the table with its path: what is no table, and what is in the tables of lists. */
function* leaves(value: unknown, path: readonly string[]): Generator<readonly [readonly string[], unknown]> {
  if (isTable(value)) {
    for (const [name, inner] of Object.entries(value)) yield* leaves(inner, [...path, name]);
    return;
  }
  yield [path, value];
  const tables = Array.isArray(value) ? [...value.entries()].filter(([, element]) => isTable(element)) : [];
  for (const [index, element] of tables) yield* leaves(element, [...path, String(index)]);
}

/** How many of the values that the parser found were compared with what stands at their places. */
function checkAgainstParser(text: string): number {
  const places = locateToml(text);
  let count = 0;
  for (const [path, value] of leaves(parse(text), [])) {
    const place = places.get(placeId(path));
    if (path.at(-1) === 'list') continue; // An array of tables is written in many places.
    assert.ok(place, `${placeId(path)} has no place in ${JSON.stringify(text)}`);
    const written = text.slice(place.value.start, place.value.end);
    const [[, alone] = []] = leaves(parse(`x = ${written}`), []);
    assert.equal(alone, value, `${placeId(path)} is ${JSON.stringify(written)}`);
    count += 1;
  }
  return count;
}

function written(text: string, ...path: readonly string[]): readonly [string, string] {
  const place = locateToml(text).get(placeId(path));
  assert.ok(place, `${placeId(path)} has no place`);
  return [text.slice(place.key.start, place.key.end), text.slice(place.value.start, place.value.end)];
}

const LONG_STRINGS = `a = """
x = 1 # not a key
[no]
\\""" still \\\\"""
b = '''
y = 2
'''''   # two quotes belong to the string
c = """q"""""
"d" = ""
'e' = ''
f = "\\"#]}"
g = 'C:\\'
h = 1
`;

const TABLES = `# first
a.b.c = 1          # dotted
a . "b" . 'd' = [1, [2, "]"], # comment ]
  3,
]
[ x . "y.z" ] # header
k = { a = 1, b.c = "}", d = [ { e = 1979-05-27 07:32:00Z }, ], # comment }
  "f" = 0x_f,
}
[[x.list]]
n = 1
[x.list.sub]
m = 1
[[x.list]]
n = 2
sub.m = 2
[x.list.other]
["\\u0041"."B\\tC"]
__proto__ = true
\tconstructor = +inf\t
`.replace('0x_f', '0xf');

test('locateToml() finds what stands in and after strings of every kind', () => {
  assert.is(checkAgainstParser(LONG_STRINGS), 8);
  assert.equal(written(LONG_STRINGS, 'h'), ['h', '1']);
  assert.equal(written(LONG_STRINGS, 'd'), ['"d"', '""']);
});

test('locateToml() finds what stands in tables, arrays, inline tables and dotted keys', () => {
  assert.is(checkAgainstParser(TABLES), 13);
  assert.equal(written(TABLES, 'a'), ['a', 'a']);
  assert.equal(written(TABLES, 'a', 'b', 'c'), ['a.b.c', '1']);
  assert.equal(written(TABLES, 'x', 'y.z'), ['x . "y.z"', 'x . "y.z"']);
  assert.equal(written(TABLES, 'x', 'y.z', 'k', 'd', '0', 'e'), ['e', '1979-05-27 07:32:00Z']);
  assert.equal(written(TABLES, 'x', 'list', '1', 'sub', 'm'), ['sub.m', '2']);
  assert.equal(written(TABLES, 'A', 'B\tC', '__proto__'), ['__proto__', 'true']);
});

test('locateToml() finds the same where lines end in CR LF', () => {
  assert.is(checkAgainstParser(TABLES.replaceAll('\n', '\r\n')), 13);
});

test('locateToml() tells the elements of a list', () => {
  const text = 'm = [ "a,b" , # "c"\n  "d" ]';
  const place = locateToml(text).get(placeId(['m']));
  assert.ok(place);
  assert.equal(
    place.elements.map(({ start, end }) => text.slice(start, end)),
    ['"a,b"', '"d"'],
  );
});

const word = fc.stringMatching(/^[ab"'\\#=[\]{},. \té\n-]{0,6}$/);
const basic = word.map((content) => JSON.stringify(content));
const literal = fc.stringMatching(/^[ab"\\#=[\]{},. -]{0,6}$/).map((content) => `'${content}'`);
const long = word.map((content) => `"""${content.replaceAll('\\', '\\\\').replaceAll('"""', '""\\"')}\\n"""`);
const plain = fc.constantFrom('1', 'true', '-0.5e3', '1979-05-27', '07:32:00', '0b1', 'nan', '1979-05-27 07:32:00');
const scalar = fc.oneof(basic, literal, long, plain);
const gap = fc.constantFrom('', ' ', '\t', '\n', ' # ]} "\n', '\r\n');
const list = fc.tuple(fc.array(scalar, { maxLength: 3 }), gap).map(([items, space]) => {
  return `[${space}${items.join(`${space},${space}`)}${space}]`;
});
const inline = fc.tuple(list, scalar).map(([first, second]) => `{ a = ${first}, "b.]" = ${second} }`);
const value = fc.oneof(scalar, list, inline);
const document = fc
  .array(fc.tuple(value, fc.constantFrom('', ' # x = "', '\t'), fc.constantFrom('', '[t', '[[list')))
  .map((rows) =>
    rows
      .map(([text, comment, header], index) => {
        const line = ` "k ${index}" . x${index}\t=  ${text}${comment}\n`;
        if (header === '[[list') return `[[list]]\n${line}`;
        return header === '' ? line : `["t#".u${index}]${comment}\n${line}`;
      })
      .join(''),
  );

test('locateToml() agrees with the parser on every document', () => {
  fc.assert(
    fc.property(document, (text) => {
      checkAgainstParser(text);
    }),
    { numRuns: 60 },
  );
});

test.run();
