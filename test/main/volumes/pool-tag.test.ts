// The tag of a pool over its starts, of which a crash may cut each short at any of its three writes: what belongs together is
// always known, and a copy of an earlier life never is.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bears,
  drawTag,
  type KnownTag,
  moveFrom,
  nextTag,
  startsBetween,
} from '../../../src/main/volumes/thin-pool/pool-tag.ts';

const BASE = 0x7453 * 2 ** 32;
const LAST = BASE + 2 ** 32 - 1;

/** What is on disk on either side. */
interface State {
  readonly known: KnownTag;
  readonly transactionId: number;
}

/** One start that gets as far as `writes` of its three: intent, message, record. */
function start({ known, transactionId }: State, writes: number): State {
  const move = moveFrom(known, transactionId);
  return {
    known: writes === 3 ? { ...move, tagged: true } : writes === 0 ? known : move,
    transactionId: writes >= 2 ? move.tag : transactionId,
  };
}

const tags = fc.oneof(fc.integer({ min: BASE, max: LAST }), fc.constantFrom(BASE, LAST, LAST - 1));
const lives = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 20 });

test('a pool and its catalog know each other after any starts, however far each of them came', () => {
  fc.assert(
    fc.property(tags, lives, (tag, starts) => {
      let state: State = { known: { tag, tagged: false, starts: 0 }, transactionId: 0 };
      for (const writes of starts) {
        state = start(state, writes);
        assert.ok(bears(state.known, state.transactionId), JSON.stringify(state));
      }
    }),
  );
});

test('of two states with a whole start between them, neither’s pool is the other’s, and the distance is told', () => {
  fc.assert(
    fc.property(tags, lives, lives, (tag, before, between) => {
      const first: State = { known: { tag, tagged: false, starts: 0 }, transactionId: 0 };
      const older = start(before.reduce(start, first), 3);
      const newer = start(start(between.reduce(start, older), 3), 3);
      assert.not.ok(bears(newer.known, older.transactionId), 'an older pool');
      assert.not.ok(bears(older.known, newer.transactionId), 'an older catalog');
      const starts = newer.known.starts - older.known.starts;
      assert.is(startsBetween(older.transactionId, newer.transactionId), starts);
      assert.is(startsBetween(newer.transactionId, older.transactionId), null);
    }),
  );
});

test('a pool that was made anew is borne by no catalog but one that was never used', () => {
  fc.assert(
    fc.property(tags, lives, (tag, starts) => {
      const first: State = { known: { tag, tagged: false, starts: 0 }, transactionId: 0 };
      const used = start(starts.reduce(start, first), 3);
      for (const writes of [0, 1, 2, 3]) assert.not.ok(bears(start(used, writes).known, 0));
    }),
  );
});

test('a catalog that was brought back goes on from the pool that is ahead of it', () => {
  fc.assert(
    fc.property(tags, fc.boolean(), fc.integer({ min: 1, max: 1000 }), (tag, tagged, ahead) => {
      let transactionId = tag;
      for (let starts = 0; starts < ahead; starts += 1) transactionId = nextTag(transactionId);
      const state = start({ known: { tag, tagged, starts: 5 }, transactionId }, 1);
      assert.ok(bears(state.known, transactionId));
      assert.is(startsBetween(tag, state.known.tag), ahead + 1);
    }),
  );
});

test('numbers that are no tags, or too far apart, are no starts apart', () => {
  for (const [from, to] of [
    [0, BASE],
    [BASE, 0],
    [BASE - 1, BASE],
    [LAST, LAST + 1],
    [BASE, BASE + 2 ** 31],
  ] as const) {
    assert.is(startsBetween(from, to), null, `${from} to ${to}`);
  }
  assert.is(startsBetween(LAST, BASE), 1);
  const drawn = drawTag();
  assert.ok(drawn >= BASE && drawn <= LAST);
});

test.run();
