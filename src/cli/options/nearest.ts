/**
 * Finds the word that a misspelt word probably stands for.
 *
 * @module
 */

/**
 * Returns the candidate that differs least from `word`, if at most a third of
 * the letters of the longer word differ.
 */
export function nearest(
  word: string,
  candidates: Iterable<string>,
): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    const longer = Math.max(word.length, candidate.length);
    if (distance < least && distance <= Math.round(longer / 3)) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/**
 * Returns the number of insertions, deletions, replacements and swaps of
 * neighbours that turn one word into the other (optimal string alignment).
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        last[j]! + 1,
        row[j - 1]! + 1,
        last[j - 1]! + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
