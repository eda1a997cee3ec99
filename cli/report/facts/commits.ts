import { git } from "../../../lib/git/run.ts";
import type { Change, DeliveryFacts } from "./facts.ts";

// What the commits of a voyage change, by its repository.

/** How many commits of the branch are looked at, the newest. */
const MOST_COMMITS = 5_000;
const GIT_MS = 30_000;
/** The voyage that a commit is of, by the trailer that the helm and a landing write. */
const VOYAGE = "%(trailers:key=Voyage,valueonly,separator=%x2C)";

/** What is known of the branch: the change of each of its commits by id, and that of all of them. */
export type Branch = { changes: Map<string, Change>; whole: Pick<DeliveryFacts, "change" | "base"> };

/**
 * Asks git what each of these commits of the branch changes, and what all of them do. Where the repository cannot be
 * read, nothing is known, and null is returned.
 *
 * What others have changed in the base, and a landing has merged in, is not the voyage's.
 * @param commits  The ids of the commits of accepted tasks.
 */
export async function readBranch(
  { repo, voyageId }: { repo: string; voyageId: string },
  tip: string | null,
  commits: readonly string[],
): Promise<Branch | null> {
  if (tip === null) return null;
  const wanted = new Set(commits);
  try {
    const range = ["--first-parent", `--max-count=${MOST_COMMITS}`, tip];
    const options = { gitDir: repo, timeoutMs: GIT_MS };
    const { stdout } = await git(
      ["log", `--format=%x00%H %P%x1f${VOYAGE}`, "--shortstat", "--no-renames", "--no-ext-diff", "--no-textconv", ...range, "--"],
      options,
    );
    const changes = new Map<string, Change>();
    let base: string | null = null;
    let merged: string | undefined; // The log begins with the newest.
    for (const entry of stdout.split("\0").slice(1)) {
      const [head = "", ...rest] = entry.split("\n");
      const [ids = "", voyage] = head.split("\x1f");
      const [id = "", parent, other] = ids.split(" ");
      if (voyage === voyageId) merged ??= other;
      if (!wanted.has(id)) continue;
      changes.set(id, changeOf(rest.join(" ")));
      base = parent ?? null; // The oldest is the last one.
    }
    if (base === null) return { changes, whole: { change: null, base: null } };
    base = merged ?? base;
    const all = await git(["diff", "--shortstat", "--no-renames", "--no-ext-diff", "--no-textconv", base, tip, "--"], options);
    return { changes, whole: { change: changeOf(all.stdout), base } };
  } catch {
    return null; // The folder is not there any more, or is too large to be read in time.
  }
}

/** Reads ` 3 files changed, 10 insertions(+), 2 deletions(-)`; nothing at all is a commit without a change. */
function changeOf(text: string): Change {
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(text)?.[1] ?? 0);
  return { files: count("file"), insertions: count("insertion"), deletions: count("deletion") };
}
