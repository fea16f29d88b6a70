// Figures of several rounds, as the benches print them: the middle one, and all of them beside it.

export function inOrder(figures: readonly number[]): readonly number[] {
  return figures.toSorted((a, b) => a - b);
}

export function middleOf(figures: readonly number[]): number {
  return inOrder(figures)[Math.floor(figures.length / 2)] ?? Number.NaN;
}

/** "43 (rounds: 39 41 43 46 49)" */
export function show(figures: readonly number[]): string {
  const rounds = inOrder(figures).map((figure) => figure.toFixed(0));
  return `${middleOf(figures).toFixed(0)} (rounds: ${rounds.join(' ')})`;
}
