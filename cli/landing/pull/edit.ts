import { createHash } from "node:crypto";

// The text of ours stands between two marks in the text of a pull request, in which people write, too. The first mark
// holds a digest of what we wrote, so that a text in which somebody has written is told from ours, and kept.

const BEGIN = "<!-- ocaptain:begin ";
const END = "<!-- ocaptain:end -->";
const NOTE = "this part is written anew by ocaptain land; write above or below it";
const MARKS = /<!-- ocaptain:(?:begin ([0-9a-f]{16}) [^\n]*?-->|end -->)/g;

/** What stands in front of our text where an earlier one of it was changed. */
const WORD =
  "> [!NOTE]\n> An earlier text of ocaptain's, or one of its marks, was changed by somebody. It was left as it is, and this one was added below. Delete what is not of use.\n\n";

/**
 * Puts our text into the text of a pull request, in the place of what we wrote there before; below all else where
 * there is none. What others wrote stays, also where they wrote between our marks or broke these: then ours comes
 * below, and says so.
 *
 * @param generated  our text, which has no marks
 */
export function mergeBody(old: string, generated: string): string {
  const { before, after, isChanged } = place(old);
  const text = marked(`${isChanged ? WORD : ""}${generated.trim()}`);
  return before + text + after;
}

/** How many characters the text of others has, with the marks, and so is not there for ours. */
export const roomTaken = (old: string): number => mergeBody(old, "").length + WORD.length;

const marked = (text: string) => `${BEGIN}${digestOf(text)} ${NOTE} -->\n${text}\n${END}`;

/**
 * Where ours goes: between what stands before and after it. `isChanged`: there are marks that are not as we left them.
 */
function place(old: string): { before: string; after: string; isChanged: boolean } {
  const marks = [...old.matchAll(MARKS)];
  for (let at = marks.length - 2; at >= 0; at--) {
    const [begin, end] = [marks[at]!, marks[at + 1]!];
    if (begin[1] === undefined || end[1] !== undefined) continue;
    const inner = old.slice(begin.index + begin[0].length, end.index);
    if (digestOf(inner) !== begin[1]) continue;
    return { before: old.slice(0, begin.index), after: old.slice(end.index + end[0].length), isChanged: marks.length > 2 };
  }
  const gap = old.trim() === "" ? "" : `${old.replace(/\s+$/, "")}\n\n`;
  return { before: gap, after: "", isChanged: marks.length > 0 };
}

/** A forge changes the ends of lines, and spaces at them, of what is edited in a browser. That is nobody's change. */
const digestOf = (text: string): string =>
  createHash("sha256")
    .update(text.replace(/[ \t]*\r?\n/g, "\n").trim())
    .digest("hex")
    .slice(0, 16);
