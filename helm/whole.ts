import { OcaptainError } from "../lib/errors.ts";
import { git } from "../lib/git/run.ts";
import type { VoyageFolder } from "../lib/paths.ts";
import type { Ledger } from "./ledger.ts";

/**
 * A ledger counts only with the repository that has what it calls accepted: of a folder that was deleted and made anew, or brought back in part, the tasks would
 * pass for done.
 * @throws OcaptainError WORK_GONE naming the tasks
 */
export async function assertWhole(folder: VoyageFolder, ledger: Ledger): Promise<void> {
  const accepted = ledger.tasks().filter((task) => task.status === "accepted" && task.commit_id !== null);
  if (accepted.length === 0) return;
  const stdin = `${accepted.map((task) => task.commit_id).join("\n")}\n`;
  const { stdout } = await git(["cat-file", "--batch-check"], { gitDir: folder.repo, stdin });
  const missing = new Set(stdout.split("\n").flatMap((line) => (line.endsWith(" missing") ? [line.split(" ")[0]] : [])));
  const gone = accepted.filter((task) => missing.has(task.commit_id!)).map(({ id }) => id);
  if (gone.length === 0) return;
  throw new OcaptainError(
    "WORK_GONE",
    `the ledger calls tasks accepted whose commits ${folder.repo} does not have: ${gone.slice(0, 20).join(", ")}${gone.length > 20 ? ", …" : ""}`,
    {
      hint: `bring the repository back as it was; or begin anew: pulumi destroy, then pulumi config set ocaptain:beginAnew with the voyage's id`,
    },
  );
}
