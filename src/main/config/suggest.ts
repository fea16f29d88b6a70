// "Did you mean": the word of a list that is nearest to one that is not in it.

const WORD_MAX_CHARS = 64;
const PART_MIN_CHARS = 3;

/** ` (did you mean "x"?)` to go at the end of a message, or nothing when no word is near. */
export function didYouMean(word: string, words: readonly string[], prefix = ''): string {
  const nearest = suggest(word, words);
  return nearest === null ? '' : ` (did you mean "${prefix}${nearest}"?)`;
}

/** Case, "-" and "_" do not count; at most a third of the letters may differ, or one word may begin with the other. */
export function suggest(word: string, words: readonly string[]): string | null {
  if (word.length > WORD_MAX_CHARS) return null;
  const plain = strip(word);
  let best: string | null = null;
  let bestDistance = Math.floor(plain.length / 3) + 1;
  for (const candidate of words) {
    const distance = distanceOf(plain, strip(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function strip(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '');
}

/** One that begins with the other ("root" and "root_path") is as near as one wrong letter. */
function distanceOf(word: string, candidate: string): number {
  const isPart = candidate.startsWith(word) || word.startsWith(candidate);
  return isPart && word.length >= PART_MIN_CHARS ? 1 : editDistance(word, candidate);
}

/** Letters to insert, drop, replace or swap with their neighbour (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwap = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (isSame ? 0 : 1),
          isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}
