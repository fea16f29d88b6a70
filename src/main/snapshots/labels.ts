// What a client may do to a snapshot's labels. Labels are opaque text to us, `__proto__` as good a key as any, so they
// live in Maps; the daemon keeps nothing of its own in them, since a client may replace them all.

import { FaultError } from '../../shared/faults.ts';
import { MIB } from '../../shared/units.ts';
import { showText } from './show-text.ts';

/** Bytes of UTF-8 of one label, key and value together: containerd's own limit (pkg/labels/validate.go). */
export const LABEL_BYTES_MAX = 4096;
/**
 * Bytes of all labels of one snapshot, as they are on the wire: with its name, parent and times they must fit the 16 MiB
 * that containerd takes in one message, or Stat and List would fail for as long as the snapshot is there.
 */
export const LABELS_BYTES_MAX = 15 * MIB;

/** Tags and lengths around one label in a message: at most 4 for the entry, 3 for the key, 3 for the value. */
const LABEL_FRAME_BYTES = 10;

const LABEL_PATH = 'labels.';

/** Fault `invalid` when one label is longer than containerd itself allows, or all of them are too much. */
export function checkLabels(labels: ReadonlyMap<string, string>): void {
  let sum = 0;
  for (const [key, value] of labels) {
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(value);
    if (bytes > LABEL_BYTES_MAX) {
      const found = `key and value are ${bytes} bytes, at most ${LABEL_BYTES_MAX} are allowed`;
      throw new FaultError('invalid', `Cannot use the label ${showText(key)}: ${found}`);
    }
    sum += bytes + LABEL_FRAME_BYTES;
  }
  if (sum > LABELS_BYTES_MAX) {
    const found = `they are ${sum} bytes in all, at most ${LABELS_BYTES_MAX} fit one message`;
    throw new FaultError('invalid', `Cannot use ${labels.size} labels: ${found}`);
  }
}

/**
 * The labels after an Update. A mask of paths says what changes: `labels` replaces them all, `labels.KEY` sets that one, or
 * removes it where the request gives no value; no mask at all replaces them all. Fault `invalid` for any other path.
 */
export function applyUpdate(
  current: ReadonlyMap<string, string>,
  given: ReadonlyMap<string, string>,
  maskPaths: readonly string[],
): ReadonlyMap<string, string> {
  if (maskPaths.length === 0) return withoutEmpty(given);
  let labels = new Map(current);
  for (const path of maskPaths) {
    if (path === 'labels') {
      labels = new Map(given);
    } else if (path.startsWith(LABEL_PATH)) {
      const key = path.slice(LABEL_PATH.length);
      labels.set(key, given.get(key) ?? '');
    } else {
      throw new FaultError('invalid', `Cannot update ${showText(path)}: only labels can change`);
    }
  }
  return withoutEmpty(labels);
}

/** A label with an empty value is no label: containerd drops it in every write (metadata/boltutil). */
export function withoutEmpty(labels: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...labels].filter(([, value]) => value !== ''));
}
