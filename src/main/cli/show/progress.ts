// How far long work is: one line on a terminal, painted over as it goes on and gone at the end. Where standard output is no
// terminal there is nothing of it, so that what is piped holds the result alone.

import type { Writer } from '../writer.ts';
import { fit } from './layout.ts';

/** ECMA-48: cursor to the line's start, and erase what was there. */
const AGAIN = '\r\u001b[K';
/** A terminal is slower than most work, and nobody reads faster. */
const PAUSE_MS = 100;

type Screen = Pick<Writer, 'out' | 'screen' | 'unicode'>;

/** Shows `text`, which must be safe for a terminal (plain-text.ts), in the place of what was shown before. */
export type ShowProgress = (text: string) => void;

/** Runs `action` and takes the line away whatever happens, before anybody writes a result or a message. */
export async function withProgress<T>(screen: Screen, action: (show: ShowProgress) => Promise<T>): Promise<T> {
  let nextMs = 0;
  try {
    return await action((text) => {
      const nowMs = performance.now();
      if (screen.screen === null || nowMs < nextMs) return;
      nextMs = nowMs + PAUSE_MS;
      screen.out(AGAIN + fit(text, screen));
    });
  } finally {
    if (nextMs > 0) screen.out(AGAIN);
  }
}
