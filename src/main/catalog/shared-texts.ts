// One copy of texts that many records hold: label names above all, of which a node has a few dozen, each thousands of
// times. Bounded, since clients choose them: what comes later keeps its own copy.

/** Texts that are kept, and the longest of them. */
export const SHARED_MAX = 1024;
const SHARED_CHARS_MAX = 256;

const shared = new Map<string, string>();

/** The same text, and the same copy of it for all who ask. */
export function share(text: string): string {
  const known = shared.get(text);
  if (known !== undefined) return known;
  if (shared.size < SHARED_MAX && text.length <= SHARED_CHARS_MAX) shared.set(text, text);
  return text;
}

/** Texts that are kept: at most `SHARED_MAX`. */
export function sharedCount(): number {
  return shared.size;
}
