/** For "did you mean": which known word somebody most likely meant by one that is not known. */

/** Words that differ only in this are the same to a person: `timeout_seconds`, `TimeoutSeconds`. */
const plainly = (word: string) => word.toLowerCase().replaceAll(/[_\-\s]/g, "");

/** Past this many characters nobody made a slip in a short word. */
const MOST_CHARACTERS = 60;

/** The nearest of `known`, or undefined where none is near: a slip in a letter or two, another spelling, or the beginning of one. */
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

/** Letters added, left out, exchanged, or turned round with their neighbour (optimal string alignment). */
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
