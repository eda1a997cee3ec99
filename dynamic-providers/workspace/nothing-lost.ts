import { existsSync } from "node:fs";
import { OcaptainError } from "../../lib/base/errors.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { shellWord } from "../../lib/base/shell-word.ts";
import { gitLine } from "../../lib/git/run.ts";
import { readBranch } from "../../lib/git/voyage-repo.ts";
import { readLineage } from "../../lib/plan/lineage.ts";

/**
 * Refuses to make a voyage's repository, or its branch, where the ledger has accepted tasks: new ones lack their
 * commits, and the ledger would be believed.
 * @throws OcaptainError WORK_GONE
 */
export async function assertNothingLost(of: { stack: string; voyageId: string }): Promise<void> {
  const { repo, workspace, ledger } = voyageFolder(of.stack);
  const isThere = existsSync(repo);
  if (isThere && (await readBranch(repo, of.stack))) return;
  const accepted = readLineage(ledger)?.granted.filter(({ status }) => status === "accepted") ?? [];
  if (accepted.length === 0) return;
  const anew = `begin anew: pulumi destroy -s ${of.stack}, then pulumi config set ocaptain:beginAnew ${of.voyageId} -s ${of.stack}`;
  if (!isThere)
    throw new OcaptainError(
      "WORK_GONE",
      `${repo} is not there, and with it the commits of ${accepted.length} accepted tasks; a clone of the source would not have them`,
      {
        hint: `put it back; or from the checkout, as far as that has them: git clone --bare ${workspace} ${repo}; or ${anew}`,
      },
    );
  const commits = accepted.flatMap(({ commit }) => commit ?? []);
  // The branch is a line of one commit a task, so the first in this order is the newest that the ledger knows of.
  const newest = await gitLine(["rev-list", "--ignore-missing", "--topo-order", "--max-count=1", "--stdin"], {
    gitDir: repo,
    stdin: `${commits.join("\n")}\n`,
  });
  const back = newest
    ? `put it back at the last accepted task: git --git-dir ${shellWord(repo)} branch ${of.stack} ${newest}`
    : "put the repository back as it was";
  throw new OcaptainError(
    "WORK_GONE",
    `${repo} has no branch ${of.stack} any more, on which were ${accepted.length} accepted tasks; a new branch would not have them`,
    { hint: `${back}; or ${anew}` },
  );
}
