// The globs of a plan: paths in the repository with `*` (any characters of one name), `?` (one character) and `**` as a
// whole name (any number of folders, none too). All else stands for itself, so that `app/[id]/page.tsx` is that file.
// `src/` and `src/auth` also stand for all below them: a last name without a wildcard or an ending may be a folder's.

/**
 * A name of a path; `**` is the mark of any folders. `points` has the code points, with the marks of `*` and `?` among
 * them, from when they are first needed: most names are compared as texts.
 */
type Name = { text: string; isLiteral: boolean; points?: readonly number[] } | typeof FOLDERS;
const FOLDERS = "**";
const ANY = -1;
const ONE = -2;
/** A glob that was taken apart. */
export type ParsedGlob = readonly Name[];

// Letters with marks are compared in one way of writing: git writes the same name differently at a Mac and elsewhere.

/** What a glob must fit, with what is said of one that does not; the first of these counts. */
export const GLOB_RULES: readonly (readonly [RegExp, string])[] = [
  [/\S/, "must not be empty"],
  [/^.{0,300}$/su, "must have at most 300 characters"],
  [
    /^[^\p{Cc}\p{Cs}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2028\u2029]*$/u,
    "must not hold characters that are not seen",
  ],
  [/^(?!\/|~\/|[A-Za-z]:)/, "must be a path in the repository, and begin at its top without /"],
  [/^[^\\]*$/, "must have / between folders, and no \\"],
  [/^[^{}]*$/, "must not hold { or }: write one entry for each"],
  [/^(?!!)/, "must not begin with !: say what is written, not what is not"],
  [
    /^(\.\/)?(?!\.{0,2}(\/|$))[^/]+(\/(?!\.{1,2}(\/|$))[^/]+)*\/?$/,
    "must not hold the names . and .., nor // (for all files: **)",
  ],
  [/^(?!.*([^/]\*\*|\*\*[^/]))/, "must have ** alone between two /, as in src/**/*.ts"],
];

/** A glob of plain names, perhaps with `**` at its end, which fits all rules. Most globs are of the kind. */
const PLAIN = /^(?:\w[\w.-]{0,60}\/){0,3}(?:\w[\w.-]{0,60}|\*\*)$/;

/** Says why a text is no glob of paths in the repository, or returns null when it is one. */
export const globProblem = (glob: string): string | null =>
  PLAIN.test(glob) ? null : (GLOB_RULES.find(([pattern]) => !pattern.test(glob))?.[1] ?? null);

const MAY_BE_FOLDER = /(^|\/)(\.?[^*?/.]+|[^/]+\/)$/;

/** Takes a glob apart, in which {@link globProblem} finds nothing. */
export function parseGlob(glob: string): ParsedGlob {
  const names = namesOf(glob).map(
    (name): Name => (name === FOLDERS ? FOLDERS : { text: name.normalize(), isLiteral: !/[*?]/.test(name) }),
  );
  return MAY_BE_FOLDER.test(glob) ? [...names, FOLDERS] : names;
}

/** The names with which a glob begins before the first that has a wildcard. */
export function literalStart(glob: ParsedGlob): string[] {
  const names: string[] = [];
  for (const name of glob) {
    if (name === FOLDERS || !name.isLiteral) break;
    names.push(name.text);
  }
  return names;
}

/** Takes a path apart in which nothing is a wildcard, as git tells it. */
export const parsePath = (path: string): ParsedGlob =>
  path
    .normalize()
    .split("/")
    .map((text) => ({ text, isLiteral: true }));

/** Tells whether some path fits both globs. */
export const globsMeet = (a: ParsedGlob, b: ParsedGlob): boolean =>
  meet(
    a,
    b,
    (name) => name === FOLDERS,
    (x, y) => x !== FOLDERS && y !== FOLDERS && sameName(x, y),
  );

type OneName = Exclude<Name, typeof FOLDERS>;

function sameName(a: OneName, b: OneName): boolean {
  if (a.isLiteral && b.isLiteral) return a.text === b.text;
  return isAny(a) || isAny(b) || meet(pointsOf(a), pointsOf(b), (point) => point === ANY, sameCharacter);
}

const isAny = ({ text, isLiteral }: OneName) => text === "*" && !isLiteral;

const sameCharacter = (a: number, b: number) => a === b || a === ONE || b === ONE;

/** Splits a glob at its slashes. One at the end says that a folder is meant, and `./` at the beginning says nothing. */
const namesOf = (glob: string) =>
  glob
    .replace(/^\.\/(?=.)/, "")
    .replace(/(?<=.)\/$/, "")
    .split("/");

function pointsOf(name: OneName): readonly number[] {
  name.points ??= Array.from(name.text, (character) =>
    !name.isLiteral && character === "*" ? ANY : !name.isLiteral && character === "?" ? ONE : character.codePointAt(0)!,
  );
  return name.points;
}

/**
 * Tells whether two patterns have a sequence in common. An element for which `isMany` holds stands for any number of
 * elements, and any other one for a single element; `same` tells whether two of those can be the same. The time is that
 * of the product of both lengths at most, whatever the patterns are.
 */
function meet<T>(a: readonly T[], b: readonly T[], isMany: (element: T) => boolean, same: (a: T, b: T) => boolean): boolean {
  let start = 0;
  for (; start < a.length && start < b.length && !isMany(a[start]!) && !isMany(b[start]!); start++)
    if (!same(a[start]!, b[start]!)) return false;
  /** By a place in `b`: whether what follows it and what follows place `i + 1` in `a` have a sequence in common. */
  let below: boolean[] = [];
  for (let i = a.length; i >= start; i--) {
    const row: boolean[] = [];
    for (let j = b.length; j >= start; j--) {
      const [hasA, hasB] = [i < a.length, j < b.length];
      if (!hasA && !hasB) row[j] = true;
      else if (hasA && isMany(a[i]!)) row[j] = below[j]! || (hasB && row[j + 1]!);
      else if (hasB && isMany(b[j]!)) row[j] = row[j + 1]! || (hasA && below[j]!);
      else row[j] = hasA && hasB && below[j + 1]! && same(a[i]!, b[j]!);
    }
    below = row;
  }
  return below[start]!;
}
