import { git } from "../../../lib/git/run.ts";

/** The mode of a submodule in a tree. */
const SUBMODULE = "160000";
/** A push of 100,000 files has some 20 MB in this form. */
const MOST_BYTES = 512 * 1024 * 1024;

/** A version of a file that a range of commits brings, with the commit that does it first. */
export type Introduced = { commit: string; path: string; blob: string };
/** What a range of commits brings. */
export type Brought = {
  files: Introduced[];
  /** The submodules as the last commit has them, of those that the range adds or changes: path and commit. */
  submodules: Introduced[];
  messages: { commit: string; text: string }[];
};

/**
 * Lists what the commits bring that `to` has and `from` has not: every version of every file, not the last one alone,
 * for all of it is pushed. What `from` has already, under whatever name, is not among it.
 *
 * @param from  null for all of the history of `to`
 */
export async function introduced(gitDir: string, from: string | null, to: string): Promise<Brought> {
  const range = from === null ? [to] : [`${from}..${to}`];
  const options = { gitDir, mostBytes: MOST_BYTES, timeoutMs: 10 * 60_000 };
  // A merge counts with what no parent of it has: -c tells that alone.
  const how = ["-z", "--raw", "--root", "-c", "--no-abbrev", "--no-renames", "--no-ext-diff", "--reverse", "--topo-order"];
  const [log, objects] = await Promise.all([
    git(["log", ...how, "--format=commit:%H%n%B", ...range, "--"], options),
    git(["rev-list", "--objects", "--no-object-names", ...range, "--"], options),
  ]);
  const isNew = new Set(objects.stdout.split("\n"));
  const brought: Brought = { files: [], submodules: [], messages: [] };
  const submodules = new Map<string, Introduced>();
  const seen = new Set<string>();
  let commit = "";
  const tokens = log.stdout.split("\0");
  for (let at = 0; at < tokens.length; at++) {
    const [, id, text] = /^commit:([0-9a-f]{40})\n(.*)$/s.exec(tokens[at]!) ?? [];
    if (id !== undefined) {
      commit = id;
      brought.messages.push({ commit, text: text! });
    }
    const change = changeIn(tokens[at]!);
    if (!change) continue;
    const path = tokens[++at] ?? "";
    if (change.mode === SUBMODULE) submodules.set(path, { commit, path, blob: change.blob });
    else {
      submodules.delete(path);
      const version = `${change.blob} ${path}`;
      if (change.mode === "000000" || !isNew.has(change.blob) || seen.has(version)) continue;
      seen.add(version);
      brought.files.push({ commit, path, blob: change.blob });
    }
  }
  brought.submodules = [...submodules.values()];
  return brought;
}

/** Reads `:100644 100644 id id M`; a merge has a colon, a mode and an id more for each further parent. */
function changeIn(token: string): { mode: string; blob: string } | null {
  const [, colons, rest = ""] = /^\n?(:+)([0-7]{6} .*)$/.exec(token) ?? [];
  if (colons === undefined) return null;
  const parts = rest.split(" ");
  return { mode: parts[colons.length]!, blob: parts[2 * colons.length + 1]! };
}
