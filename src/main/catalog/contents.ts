// Everything that a catalog holds, read and checked: each record by its own checksum, all together by what the head says
// of them. A database, a copy of one and a backup are read by this and nothing else.

import { FaultError, isFault } from '../../shared/faults.ts';
import { unseal } from './checksum.ts';
import { type Head, parseHead, parseIdentity, type VolumesIdentity } from './codec.ts';
import { HEAD_KEY, IDENTITY_KEY, parseRecord } from './operations.ts';
import type { Device, Snapshot } from './records.ts';
import { Tables } from './tables.ts';
import { Tally } from './tally.ts';

/** The ways out, for whoever reads that a catalog is refused. */
export const WAYS_OUT =
  'Nothing was changed. Run "thinsnap catalog repair", which keeps these files, or "thinsnap catalog restore" with a backup';

export type Entry = readonly [key: string, value: string];

export interface Contents {
  readonly head: Head;
  /** As stored: two databases with the same one hold the same. */
  readonly headValue: string;
  readonly identity: VolumesIdentity | null;
  readonly tables: Tables;
  readonly tally: Tally;
}

/** The records of one moment. They never change, and nothing that is written later is among them. */
export interface Captured {
  readonly head: Head;
  readonly identity: VolumesIdentity | null;
  readonly snapshots: readonly Snapshot[];
  readonly devices: readonly Device[];
}

/** Null when there is nothing at all. Fault `io` when anything is missing, too much, or not as it was written. */
export async function readContents(chunks: AsyncIterable<readonly Entry[]>): Promise<Contents | null> {
  const reading = new Reading();
  await reading.takeAll(chunks, (error) => {
    throw new FaultError('io', `${error.message}. ${WAYS_OUT}`, { cause: error });
  });
  const { identity, headValue, tables, tally } = reading;
  const { snapshots, devices } = tally.figures;
  if (headValue === null) {
    if (snapshots + devices === 0 && identity === null) return null;
    throw refused('it does not say how much it should hold');
  }
  const contents = { head: readHead(headValue), headValue, identity, tables, tally };
  checkFigures(contents);
  return contents;
}

/** What was read so far. */
export class Reading {
  readonly tables = new Tables();
  readonly tally = new Tally();
  identity: VolumesIdentity | null = null;
  headValue: string | null = null;

  /** Tells of each record that is damaged, and goes on with the next. */
  async takeAll(chunks: AsyncIterable<readonly Entry[]>, onDamaged: (error: FaultError) => void): Promise<void> {
    for await (const chunk of chunks) {
      for (const entry of chunk) {
        try {
          this.#take(entry);
        } catch (error) {
          if (!isFault(error, 'io')) throw error;
          onDamaged(error);
        }
      }
    }
  }

  /** Fault `io` when the record is damaged. */
  #take([key, value]: Entry): void {
    if (key === HEAD_KEY) {
      this.headValue = value;
      return;
    }
    if (key === IDENTITY_KEY) {
      const { text, sum } = unseal(key, value);
      this.identity = parseIdentity(text);
      this.tally.setIdentity(sum);
      return;
    }
    const record = parseRecord(key, value);
    this.tables.apply(record.value);
    this.tally.add(record.value, record.sum);
  }
}

export function readHead(headValue: string): Head {
  // Format 1, of versions that were never released, had no checksums.
  return parseHead(headValue.startsWith('{') ? headValue : unseal(HEAD_KEY, headValue).text);
}

function checkFigures({ head, tables, tally }: Contents): void {
  const { snapshots, devices, sum } = tally.figures;
  if (snapshots !== head.snapshots || devices !== head.devices) {
    const expected = `it should hold ${head.snapshots} snapshots and ${head.devices} devices`;
    throw refused(`${expected}, and ${snapshots} and ${devices} can be read`);
  }
  if (sum !== head.sum) throw refused('its records are not those that were written last');
  for (const snapshot of tables.snapshots.values()) {
    if (!tables.devices.has(snapshot.deviceId)) throw refused(`device ${snapshot.deviceId} of a snapshot is missing`);
  }
}

/** The fault of a catalog that is not as it was written. */
export function refused(found: string): FaultError {
  return new FaultError('io', `Cannot use the catalog: ${found}. ${WAYS_OUT}`);
}
