// The table of `--scale`: a column for each number of snapshots present. A row whose figure stays the same does not
// depend on their number; List and the start grow with it.

import { figureOf, type GuestResult, type Measurement, percentileOf, phasesOf, rateOf } from './results.ts';
import { toFigure } from './table.ts';

export function scaleTableOf({ measurements }: GuestResult): readonly (readonly string[])[] {
  const columns = measurements.filter(({ name }) => name === 'present');
  const figure = (name: string) => (column: Measurement) => toFigure(figureOf(column, name));
  const rate = (name: string) => (column: Measurement) => toFigure(rateOf(phasesOf(column, name)));
  const latency = (name: string, share: number) => (column: Measurement) =>
    toFigure(percentileOf(phasesOf(column, name), share));
  const rows: readonly (readonly [string, (column: Measurement) => string])[] = [
    ['of those active', figure('active')],
    ['64 Prepares at once, /s', rate('prepare')],
    ['  median latency, ms', latency('prepare', 0.5)],
    ['  p99, ms', latency('prepare', 0.99)],
    ['64 Removes at once (async), /s', rate('remove')],
    ['  median latency, ms', latency('remove', 0.5)],
    ['Usage one by one, /s', rate('usage')],
    ['  median latency, ms', latency('usage', 0.5)],
    ['Stat one by one, /s', rate('stat')],
    ['List of all, ms', latency('list', 0.5)],
    ['start until serving, ms', figure('startMs')],
    ['resident after the start, MiB', figure('startedRssMib')],
    ['resident after the calls, MiB', figure('rssMib')],
    ['resident for each snapshot over the first column, KiB', (column) => toFigure(growthKib(columns[0], column))],
  ];
  return [
    ['snapshots present', ...columns.map((column) => String(figureOf(column, 'present')))],
    ...rows.map(([label, cell]) => [label, ...columns.map(cell)]),
  ];
}

function growthKib(first: Measurement | undefined, column: Measurement): number {
  const more = (name: string): number => figureOf(column, name) - figureOf(first, name);
  return (more('startedRssMib') * 1024) / more('present');
}
