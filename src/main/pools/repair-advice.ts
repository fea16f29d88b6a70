// What to do about an active pool whose metadata is damaged or must be checked: the words of each message that says so.

/** Of a pool that thinsnap knows how to find, once nothing uses it any more. */
export function repairAdvice(pool: string): string {
  return `run "thinsnap pool deactivate ${pool}", then "thinsnap pool check --repair ${pool}"`;
}
