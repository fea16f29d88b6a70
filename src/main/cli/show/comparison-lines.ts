// What differs between records and volumes, a line each.

export interface ShownComparison {
  readonly differences: readonly { readonly rule: string; readonly what: string; readonly meaning: string }[];
  readonly omitted: string;
}

export function comparisonLines({ differences, omitted }: ShownComparison): readonly string[] {
  const lines = differences.map(({ rule, what, meaning }) => `${rule}  ${what}: ${meaning}`);
  if (omitted !== '') lines.push(`Not all was compared: ${omitted}`);
  return lines.length > 0 ? lines : ['Nothing differs'];
}
