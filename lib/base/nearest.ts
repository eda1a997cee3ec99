/**
 * Writes a word without what hardly counts to a person, so that `timeout_seconds` and `TimeoutSeconds` are the same.
 */
const plainly = (word: string) => word.toLowerCase().replaceAll(/[_\-\s]/g, "");

/** The length past which a word is not looked at, as nobody writes so much who means one of our short words. */
const MOST_CHARACTERS = 60;

/**
 * Finds which of the `known` words somebody most likely meant by an unknown one, for "did you mean"; undefined where
 * none is near. Near is a word that differs in a letter or two or in its spelling, or where one of the two begins the
 * other.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = plainly(word);
  if (wanted === "" || wanted.length > MOST_CHARACTERS) return undefined;
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const other = plainly(candidate);
    const isBeginning = Math.min(wanted.length, other.length) >= 4 && (other.startsWith(wanted) || wanted.startsWith(other));
    const distance = isBeginning ? 1 : slips(wanted, other);
    const most = Math.max(1, Math.floor(Math.min(wanted.length, other.length) / 3));
    if (distance <= most && (!best || distance < best.distance)) best = { word: candidate, distance };
  }
  return best?.word;
}

/**
 * Counts the letters that were added, left out, replaced or swapped with their neighbour, as the distance of the
 * "optimal string alignment".
 */
function slips(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array<number>(b.length).fill(0)]);
  for (let j = 0; j <= b.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      rows[i]![j] = least;
    }
  }
  return rows[a.length]![b.length]!;
}
