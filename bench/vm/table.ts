// The one table of a run: what the peer reaches, what thinsnap reaches, how many times that is, and what it should be.

import {
  failuresOf,
  figureOf,
  firstOf,
  type GuestResult,
  type Measurement,
  percentileOf,
  perSecond,
  phasesOf,
  rateOf,
  sum,
} from './results.ts';

/** Each cell as it is printed; '' where a side has no such figure. */
export interface Row {
  readonly operation: string;
  readonly peer: string;
  readonly thinsnap: string;
  readonly ratio: string;
  readonly target: string;
}

type Find = (side: Measurement['side'], variant: string, name: string) => Measurement | undefined;

/** The headings, then a row for each operation that was measured. */
export function tableOf(guest: GuestResult): readonly (readonly string[])[] {
  const rows = rowsOf(guest).map(({ operation, peer, thinsnap, ratio, target }) => [
    operation,
    peer,
    thinsnap,
    ratio,
    target,
  ]);
  return [['operation', 'peer', 'thinsnap', 'ratio', 'target'], ...rows];
}

export function rowsOf(guest: GuestResult): readonly Row[] {
  const find: Find = (side, variant, name) =>
    guest.measurements.find((each) => each.side === side && each.variant === variant && each.name === name);
  return [
    ...burstRows(find),
    ...floorRows(guest, find),
    ...cycleRows(find),
    rateRow('Prepare without a parent', { target: 50 }, [
      find('peer', 'sync', 'base'),
      find('thinsnap', 'sync', 'base'),
      'base',
    ]),
    ...removeRows(find),
    ...busyRows(find),
    rateRow('Usage of active snapshots, one after another', { target: 30 }, [
      find('peer', 'sync', 'usage'),
      find('thinsnap', 'sync', 'usage'),
      'usage',
    ]),
  ].filter(({ thinsnap }) => thinsnap !== '');
}

type Pair = readonly [peer: Measurement | undefined, thinsnap: Measurement | undefined, phase: string];

interface Goal {
  readonly target: number | null;
}

function burstRows(find: Find): readonly Row[] {
  const peer = find('peer', 'sync', 'burst');
  return [
    { variant: 'standby', label: 'standby warm', rate: 100, share: 1 / 100 },
    { variant: 'sync', label: 'no standby', rate: 40, share: null },
  ].flatMap(({ variant, label, rate, share }) => {
    const own = find('thinsnap', variant, 'burst');
    const operation = `${callsOf(peer, own, 'prepare')} Prepares at once, ${label}`;
    return [
      rateRow(operation, { target: rate }, [peer, own, 'prepare']),
      firstRow(peer, own),
      latencyRow('  median latency', 0.5, { pair: [peer, own, 'prepare'], target: null }),
      latencyRow('  p99', 0.99, { pair: [peer, own, 'prepare'], target: share }),
    ];
  });
}

/** The bare loop stands in the peer's column: it is what the miss is held against. */
function floorRows(guest: GuestResult, find: Find): readonly Row[] {
  const own = rateOf(phasesOf(find('thinsnap', 'sync', 'burst'), 'prepare'));
  return guest.measurements
    .filter(({ side }) => side === 'bare')
    .map((measurement) => {
      const bare = rateOf(phasesOf(measurement, 'bare-make'));
      return {
        operation: `  bare loop of a miss's ioctls, ${measurement.variant}`,
        peer: `bare ${toRate(bare)}`,
        thinsnap: toRate(own),
        ratio: (own / bare).toFixed(2),
        target: '0.7 on as many threads',
      };
    });
}

function cycleRows(find: Find): readonly Row[] {
  const label = 'Prepare, Mounts, Commit, Remove, 16 clients';
  return [
    rateRow(label, { target: 40 }, [find('peer', 'sync', 'cycle'), find('thinsnap', 'sync', 'cycle'), 'cycle']),
    rateRow(`${label}, async_remove`, { target: 40 }, [
      find('peer', 'async', 'cycle'),
      find('thinsnap', 'async', 'cycle'),
      'cycle',
    ]),
    rateRow(`${label}, async_remove, standby`, { target: 40 }, [
      find('peer', 'async', 'cycle'),
      find('thinsnap', 'standby', 'cycle'),
      'cycle',
    ]),
  ];
}

function removeRows(find: Find): readonly Row[] {
  const peer = find('peer', 'sync', 'burst');
  const peerAsync = find('peer', 'async', 'burst');
  const own = find('thinsnap', 'sync', 'burst');
  const ownAsync = find('thinsnap', 'async', 'burst');
  const label = `${callsOf(peer, own, 'remove')} Removes at once`;
  return [
    rateRow(`${label}, until answered (thinsnap async, peer sync)`, { target: 100 }, [peer, ownAsync, 'remove']),
    rateRow(`${label}, until answered (both async)`, { target: null }, [peerAsync, ownAsync, 'remove']),
    goneRow(`${label}, until the ids are gone (thinsnap async, peer sync)`, peer, ownAsync),
    goneRow(`${label}, until the ids are gone (both async)`, peerAsync, ownAsync),
    rateRow(`${label}, until answered and gone (both sync)`, { target: 40 }, [peer, own, 'remove']),
  ];
}

function busyRows(find: Find): readonly Row[] {
  return ['sync', 'async'].flatMap((variant) => {
    const [peer, own] = [find('peer', variant, 'busy'), find('thinsnap', variant, 'busy')];
    const row = (operation: string, cell: (side: Measurement | undefined) => string, target: string): Row => ({
      operation,
      peer: cell(peer),
      thinsnap: cell(own),
      ratio: '',
      target,
    });
    return [
      row(`Remove of a busy device, ${variant}`, busyAnswer, 'under 50 ms'),
      row('  Prepares of others before to beside it, median', (side) => othersOf(side, 0.5), 'the same'),
      // One that waits for the busy device shows here, however many others are quick.
      row('  Prepares of others before to beside it, longest', (side) => othersOf(side, 1), 'the same'),
    ];
  });
}

function busyAnswer(side: Measurement | undefined): string {
  const [phase] = phasesOf(side, 'busy-remove');
  if (phase === undefined) return '';
  const [latencyMs] = phase.latenciesMs;
  if (figureOf(phase, 'answeredWhileBusy') !== 1) return 'not while it was busy';
  return latencyMs === undefined ? 'refused' : toMs(latencyMs);
}

function othersOf(side: Measurement | undefined, share: number): string {
  if (side === undefined) return '';
  const latency = (name: string): string => toMs(percentileOf(phasesOf(side, name), share));
  return `${latency('others-before')} to ${latency('others-during')}`;
}

function rateRow(operation: string, { target }: Goal, [peer, own, name]: Pair): Row {
  const rates = [peer, own].map((measurement) => rateOf(phasesOf(measurement, name)));
  return compared(operation, rates, { show: toRate, target: target === null ? '' : `${target}x` });
}

/** What warming up costs: Node.js compiles what runs often, and has a thread to start for each call in flight. */
function firstRow(peer: Measurement | undefined, own: Measurement | undefined): Row {
  const rates = [rateOf(phasesOf(peer, 'prepare')), rateOf(firstOf(own, 'prepare'))];
  return compared('  the first burst after a start, which finds no standby', rates, { show: toRate, target: '' });
}

/** From the first Remove to the end of the Cleanup after the last one, as a rate of removals. */
function goneRow(operation: string, peer: Measurement | undefined, own: Measurement | undefined): Row {
  const rates = [peer, own].map((measurement) => {
    const removed = sum(phasesOf(measurement, 'remove').map(({ latenciesMs }) => latenciesMs.length));
    const ms = phasesOf(measurement, 'cleanup').map((phase) => figureOf(phase, 'sinceFirstRemoveMs'));
    return perSecond(removed, sum(ms));
  });
  return compared(operation, rates, { show: toRate, target: '40x' });
}

function latencyRow(operation: string, share: number, { pair, target }: { pair: Pair; target: number | null }): Row {
  const [peer, own, name] = pair;
  const latencies = [peer, own].map((measurement) => percentileOf(phasesOf(measurement, name), share));
  const shown = target === null ? '' : `1/${1 / target}`;
  return compared(operation, latencies, { show: toMs, target: shown, better: 'less' });
}

interface Comparison {
  readonly show: (figure: number) => string;
  readonly target: string;
  readonly better?: 'less';
}

function compared(operation: string, figures: readonly number[], { show, target, better }: Comparison): Row {
  const [peer = Number.NaN, thinsnap = Number.NaN] = figures;
  const ratio = better === 'less' ? `1/${toFigure(peer / thinsnap)}` : `${toFigure(thinsnap / peer)}x`;
  const shown = (figure: number): string => (Number.isFinite(figure) ? show(figure) : '');
  return {
    operation,
    peer: shown(peer),
    thinsnap: shown(thinsnap),
    ratio: Number.isFinite(peer / thinsnap) ? ratio : '',
    target,
  };
}

/** The sides may have had different numbers: both are told then. */
function callsOf(peer: Measurement | undefined, own: Measurement | undefined, name: string): string {
  const [peers, owns] = [peer, own].map((measurement) => phasesOf(measurement, name)[0]?.latenciesMs.length);
  return peers === undefined || peers === owns ? String(owns ?? 0) : `${owns ?? 0} (peer: ${peers})`;
}

export function warningsOf({ measurements }: GuestResult): readonly string[] {
  return measurements.flatMap((measurement) => {
    const { side, variant, name } = measurement;
    const where = `${side}, ${variant}, ${name}`;
    return failuresOf(measurement).map((failure) => `${where}: ${failure}`);
  });
}

function toRate(perSecondValue: number): string {
  return `${toFigure(perSecondValue)}/s`;
}

function toMs(latencyMs: number): string {
  return `${toFigure(latencyMs)} ms`;
}

/** Two digits that count below ten, whole numbers from there. */
export function toFigure(value: number): string {
  if (Number.isNaN(value)) return '';
  if (value >= 10) return value.toFixed(0);
  return value >= 1 ? value.toFixed(1) : value.toPrecision(2);
}
