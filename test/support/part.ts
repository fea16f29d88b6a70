// A programme that takes longer than one run has time for goes part by part.

/** "2/6": the second of six parts. */
export function partOf<Item>(items: readonly Item[], text: string): readonly Item[] {
  const [part = 1, parts = 1] = text.split('/').map(Number);
  return items.slice(((part - 1) * items.length) / parts, (part * items.length) / parts);
}
