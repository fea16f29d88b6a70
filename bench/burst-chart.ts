// Draws docs/burst.svg from what `npm run bench:vm` measured last: the latency of each of the burst's Prepares, in the
// order of their answers, on a logarithmic axis, since the sides are orders of magnitude apart.
//
//   npm run bench:chart -- [GUEST]        plain (no udevd in the guest; the default) or udev

import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { GUESTS } from '../test/runner/cases.ts';
import { type DatedResult, type Phase, phasesOf, readResults } from './vm/results.ts';
import { drawBurst, type Line } from './vm/svg.ts';

const RESULTS = fileURLToPath(new URL('../../bench/results/race.json', import.meta.url));
const CHART = fileURLToPath(new URL('../../docs/burst.svg', import.meta.url));

const LINES = [
  { side: 'peer', variant: 'sync', style: 'peer', label: "containerd's devmapper snapshotter" },
  { side: 'thinsnap', variant: 'sync', style: 'miss', label: 'thinsnap, no standby' },
  { side: 'thinsnap', variant: 'standby', style: 'standby', label: 'thinsnap, standby warm' },
] as const;

/** Of several rounds the one whose duration is the middle one. */
function middleOf(rounds: readonly Phase[]): Phase | undefined {
  return rounds.toSorted((a, b) => a.wallMs - b.wallMs)[Math.floor((rounds.length - 1) / 2)];
}

function linesOf(result: DatedResult): readonly Line[] {
  return LINES.flatMap(({ side, variant, style, label }) => {
    const burst = result.measurements.find(
      (each) => each.name === 'burst' && each.side === side && each.variant === variant,
    );
    const round = middleOf(phasesOf(burst, 'prepare'));
    return round === undefined ? [] : [{ style, label, latenciesMs: round.latenciesMs }];
  });
}

const [wanted = 'plain'] = process.argv.slice(2);
const guest = GUESTS.find((each) => each === wanted);
const result = guest === undefined ? undefined : (await readResults(RESULTS))[guest];
if (result === undefined) throw new Error(`Cannot draw guest "${wanted}": run npm run bench:vm first`);
const { peer = '', machine = '', host = '', kernel = '' } = result.about;
const udev = result.guest === 'udev' ? 'with udevd' : 'without udevd';
const notes = [
  `${peer} and thinsnap in one run, ${udev}. ${machine}; Linux ${kernel}; host: ${host}.`,
  'A virtual machine, above all an emulated one, exaggerates the price of a fork, which the one side pays and the other does not.',
];
await writeFile(CHART, drawBurst(linesOf(result), notes));
process.stdout.write(`${CHART}\n`);
