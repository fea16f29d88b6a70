// Mutants of bytes, drawn from a seed: the same seed gives the same mutants again.

import type { Random } from './random.ts';

/** What protobuf finds odd: endless numbers, lengths beyond the end, groups, field 0, fields nobody knows. */
const ODDITIES: readonly Buffer[] = [
  Buffer.alloc(11, 0xff),
  Buffer.of(0x12, 0xff, 0xff, 0xff, 0xff, 0x0f),
  Buffer.of(0x13),
  Buffer.of(0x14),
  Buffer.of(0x00),
  Buffer.of(0x12, 0x02, 0xc3, 0x28),
  Buffer.of(0xfa, 0xff, 0xff, 0xff, 0x0f, 0x01, 0x41),
  Buffer.alloc(300, 0x0b),
];
const CHANGES_MAX = 4;

/** `bytes` with one change or several. */
export function mutantOf(bytes: Uint8Array, random: Random): Buffer {
  let mutant: Buffer = Buffer.from(bytes);
  const changes = 1 + pick(random, CHANGES_MAX);
  for (let change = 0; change < changes; change += 1) mutant = changed(mutant, random);
  return mutant;
}

function changed(bytes: Buffer, random: Random): Buffer {
  const at = pick(random, bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  const oddity = ODDITIES[pick(random, ODDITIES.length)] ?? Buffer.alloc(0);
  const kinds: readonly (() => Buffer)[] = [
    () => flipped(bytes, at, random),
    () => Buffer.concat([before, Buffer.of(pick(random, 256)), after.subarray(1)]),
    () => before,
    () => Buffer.concat([before, after.subarray(1 + pick(random, 8))]),
    () => Buffer.concat([before, oddity, after]),
    () => Buffer.concat([bytes, before]),
  ];
  return kinds[pick(random, kinds.length)]?.() ?? bytes;
}

function flipped(bytes: Buffer, at: number, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const old = copy[at];
  if (old !== undefined) copy[at] = old ^ (1 << pick(random, 8));
  return copy;
}

function pick(random: Random, count: number): number {
  return Math.floor(random() * count);
}
