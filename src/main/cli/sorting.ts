// `--sort` and `--reverse`: the same options, and the same order of what is equal, wherever a command lists things by name.

import { type Arguments, type Option, UsageError } from './arguments.ts';
import { flagOption } from './options.ts';

export type Compare<Row> = (left: Row, right: Row) => number;

/** By the word that `--sort` takes. `name` must be there: it is the default, and decides between what is equal. */
export type Orders<Row> = ReadonlyMap<string, Compare<Row>>;

export function sortOptions<Row>(orders: Orders<Row>): readonly Option[] {
  const names = [...orders.keys()];
  return [
    {
      name: 'sort',
      short: 's',
      value: 'COLUMN',
      help: `${names.join(', ')} (default name)`,
      completion: names,
    },
    flagOption('reverse', 'the other way round', 'r'),
  ];
}

/** What is equal is ordered by name, so that the same things always give the same list. */
export function parseOrder<Row extends { readonly name: string }>(
  { values, switches }: Arguments,
  orders: Orders<Row>,
): Compare<Row> {
  const order = orders.get(values.get('sort') ?? 'name');
  if (order === undefined) throw new UsageError(`--sort takes one of ${[...orders.keys()].join(', ')}`);
  const sign = switches.has('reverse') ? -1 : 1;
  return (left, right) => sign * order(left, right) || compareText(left.name, right.name);
}

/** By code units: quick, and the same everywhere. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** What is not known is less than everything. */
export function compareNumbers(left: bigint | undefined, right: bigint | undefined): number {
  const [one, other] = [left ?? -1n, right ?? -1n];
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
