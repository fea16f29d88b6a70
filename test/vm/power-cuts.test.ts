// Power is cut at random moments under several clients: everything is on one disk with a volatile cache, which keeps what was flushed and
// loses the rest. Every fourth time a start is on instead. Then the disk comes back, and what is there is held against what each client was told.
//
// THINSNAP_POWER_CUTS: how many. THINSNAP_POWER_SEED brings the steps and the times back, though not their order.
// vm: plain qemu
// nightly: needs qemu, and 20 to 40 s for each cut without kvm

import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomFrom } from '../support/random.ts';
import { CLIENTS, type LoadClient, loadClients } from './support/clients.ts';
import type { CoreLife } from './support/core-life.ts';
import { Ledger, type Moments } from './support/ledger.ts';
import { NullDisk } from './support/null-disk.ts';
import { PowerRig } from './support/power-rig.ts';
import { PROLOGUE } from './support/sequences.ts';
import { DISK_MIB } from './support/slices.ts';

const { THINSNAP_POWER_CUTS: cutsWanted = '4', THINSNAP_POWER_SEED: given } = process.env;
const seed = given === undefined ? randomInt(2 ** 31) : Number(given);
const cuts = Number(cutsWanted);
/** As the disks of a host have it, and enough for what is written between two flushes. */
const CACHE_MIB = 16;
/** Power fails under the clients within this time. */
const CUT_WITHIN_MS = 3_000;
/** One of so many cuts falls into a start. */
const STARTS_CUT_EVERY = 4;
/** The first of them: another look follows. */
const STARTS_CUT_FROM = 2;
/** Where it falls, of the time that the starts before have taken. */
const START_SPREAD = 1.1;

const tests = suite('power cuts');
const random = randomFrom(seed);
let rig: PowerRig;
let disk: NullDisk;
const layer = new Ledger();
let clients: readonly LoadClient[] = [];
/** Of the last start that came to its end. */
let startMs = 0;

function moments(): Moments {
  return new Map([['', layer.moment], ...clients.map(({ prefix, ledger }) => [prefix, ledger.moment] as const)]);
}

tests.before(async () => {
  rig = await PowerRig.open();
  disk = await NullDisk.make('thinsnap-test-disk', { sizeMib: DISK_MIB, cacheMib: CACHE_MIB });
  await rig.slices.format(disk.path);
  await rig.slices.open(disk.path);
  const life = await rig.begin();
  for (const step of PROLOGUE) {
    layer.begin(step);
    await rig.take(life, step);
    layer.done();
  }
  const { state } = layer.moment;
  clients = loadClients(random, state);
  await life.close();
  await rig.slices.close();
});
tests.after(async () => {
  await rig.slices.abandon();
  await disk.remove();
  await rig.close();
});

/** All clients go on until the power fails, and what they have begun by then ends without it. */
async function loadUntilCut(life: CoreLife): Promise<void> {
  let isOff = false;
  const load = Promise.all(clients.map((client) => client.run(rig, life, { isEnding: () => isOff })));
  await Promise.race([load, sleep(random() * CUT_WITHIN_MS)]);
  isOff = true;
  await disk.switchOff();
  await load;
}

async function compareAndCut(): Promise<void> {
  await rig.slices.open(disk.path);
  const began = performance.now();
  const life = await rig.begin();
  startMs = performance.now() - began;
  try {
    const states = await rig.compare(life, moments());
    for (const { prefix, ledger } of clients) ledger.settle(states.get(prefix) ?? new Map());
    await loadUntilCut(life);
  } finally {
    await life.abandon();
    await rig.slices.abandon();
  }
  await disk.switchOn();
}

/** A start finds what the last cut has left, and does not come to its end. Nobody is told anything. */
async function cutInStart(): Promise<void> {
  await rig.slices.open(disk.path);
  // It may fail before anybody waits for it.
  const life = rig.begin().catch(() => null);
  const moment = sleep(random() * START_SPREAD * startMs, 'in its middle');
  const where = await Promise.race([life.then(() => 'at its end'), moment]);
  process.stdout.write(`a start was cut ${where}\n`);
  await disk.switchOff();
  await (await life)?.abandon();
  await rig.slices.abandon();
  await disk.switchOn();
}

tests(`what ${CLIENTS} clients were told outlives ${cuts} power cuts, seed ${seed}`, async () => {
  for (let cut = 1; cut <= cuts; cut += 1) {
    try {
      await (cut % STARTS_CUT_EVERY === STARTS_CUT_FROM ? cutInStart() : compareAndCut());
      process.stdout.write(`cut ${cut}\n`);
    } catch (error) {
      throw new Error(`seed ${seed}, after ${cut - 1} power cuts: ${String(error)}`, { cause: error });
    }
  }
  await rig.slices.open(disk.path);
  await rig.look(moments());
  const answered = clients.reduce((sum, client) => sum + client.answered, 0);
  process.stdout.write(`seed ${seed}: ${cuts} power cuts, ${answered} acknowledged steps\n`);
  assert.ok(answered > 0, 'no step was ever acknowledged');
});

tests.run();
