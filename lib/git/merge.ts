import { withAttributes } from "./merge-attributes.ts";
import { git } from "./run.ts";

/** How long a merge may take: that of a large tree on a busy machine. */
const MERGE_MS = 5 * 60_000;

/**
 * Merges a commit onto another in a bare repository, without a work tree, and moves nothing. `files` are those in
 * conflict; where there are any, `tree` holds them with git's marks.
 */
export async function mergeTrees(gitDir: string, onto: string, commit: string): Promise<{ tree: string; files: string[] }> {
  const run = await withAttributes(gitDir, onto, (options) =>
    git(["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", onto, commit], {
      ...options,
      okCodes: [0, 1],
      timeoutMs: MERGE_MS,
    }),
  );
  const [tree = "", ...files] = run.stdout.split("\0").filter(Boolean);
  return { tree, files: run.exitCode === 1 ? [...new Set(files)] : [] };
}
