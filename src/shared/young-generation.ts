// Keeps V8's young generation small.

import { setFlagsFromString } from 'node:v8';

/**
 * To be called by a program before anything is allocated, and by each worker when it starts: V8 sets the factor back to 2, for all
 * threads, when it makes a thread's heap (seen with Node.js 20). By itself V8 lets the young generation grow to 48 MiB when much
 * survives at once, as when a catalog is read, and a busy daemon never gives that back. Of a call hardly anything survives, and
 * a young generation that fits the processor's cache is no slower: bench/stat.ts, bench/start.ts.
 */
export function boundYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
