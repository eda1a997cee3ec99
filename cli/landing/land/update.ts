import { counted } from "../../../lib/base/counted.ts";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { personalAuthor } from "../../../lib/git/author.ts";
import { mergeTrees } from "../../../lib/git/merge.ts";
import { git, gitLine } from "../../../lib/git/run.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import type { Base } from "./base.ts";

/** What following the base comes to: nothing is to be done, a merge that went through, or files in conflict. */
export type Update = { kind: "none" } | { kind: "merge"; tree: string } | { kind: "conflict"; tree: string; files: string[] };

/** Tries what merging the base into the voyage's branch would come to. It moves nothing. */
export async function tryUpdate(repo: string, tip: string, base: Base): Promise<Update> {
  if (base.ahead === 0) return { kind: "none" };
  const { tree, files } = await mergeTrees(repo, tip, base.tip);
  return files.length > 0 ? { kind: "conflict", tree, files } : { kind: "merge", tree };
}

/**
 * Puts the merge of the base onto the voyage's branch, if that is still at `tip`. Nothing of the branch is rewritten;
 * the helm sees that it has moved, and has verify.sh run again.
 * @returns the new tip
 * @throws OcaptainError BRANCH_MOVED
 */
export async function putUpdate({ file, folder }: KnownVoyage, tip: string, base: Base, tree: string): Promise<string> {
  const bare = { gitDir: folder.repo };
  const who = await personalAuthor(folder.workspace);
  const commit = await gitLine(["commit-tree", tree, "-p", tip, "-p", base.tip, "-F", "-"], {
    ...bare,
    stdin: `Merge ${base.branch} into ${file.stack}\n\n${counted(base.ahead, "commit")} of it, up to ${base.tip}.\n\nVoyage: ${file.voyageId}\n`,
    ...(who && { env: { GIT_AUTHOR_NAME: who.name, GIT_AUTHOR_EMAIL: who.email } }),
  });
  const moved = await git(["update-ref", "-m", `land: merge ${base.branch}`, `refs/heads/${file.stack}`, commit, tip], {
    ...bare,
    okCodes: [0, 1, 128],
  });
  if (moved.exitCode === 0) return commit;
  throw new OcaptainError("BRANCH_MOVED", `branch ${file.stack} was moved while its base was being merged; nothing was pushed`, {
    hint: `ocaptain land ${file.stack}`,
  });
}
