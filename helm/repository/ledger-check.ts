import { existsSync } from "node:fs";
import { OcaptainError } from "../../lib/base/errors.ts";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { git } from "../../lib/git/run.ts";
import type { Ledger } from "../ledger/ledger.ts";

type Of = { id: string; stack: string };

const beginAnew = ({ id, stack }: Of) =>
  `begin anew: pulumi destroy -s ${stack}, then pulumi config set ocaptain:beginAnew ${id} -s ${stack}`;

/**
 * How many of the newest commits are looked at: a voyage's work is at the end of its branch, and a captain puts fewer
 * than this on top.
 */
const LAST_COMMITS = 200;

/**
 * Makes sure that a branch with this voyage's work has the ledger that accepted it: a new one would give every task out
 * again.
 * @throws OcaptainError LEDGER_GONE
 */
export async function assertLedger(folder: VoyageFolder, of: Of): Promise<void> {
  if (existsSync(folder.ledger)) return;
  const log = ["log", `-${LAST_COMMITS}`, "--format=%(trailers:key=Voyage,valueonly)", `refs/heads/${of.stack}`, "--"];
  const { stdout } = await git(log, { gitDir: folder.repo });
  if (!stdout.split("\n").includes(of.id)) return;
  throw new OcaptainError(
    "LEDGER_GONE",
    `${folder.ledger} is not there, the ledger of voyage ${of.id}, and the branch ${of.stack} has work of it that would be done again`,
    { hint: `bring the ledger back; or ${beginAnew(of)}` },
  );
}

/**
 * Makes sure that the repository has what the ledger calls accepted: in a folder that was deleted and made anew, or
 * brought back in part, tasks would pass for done whose work is gone.
 * @throws OcaptainError WORK_GONE naming the tasks
 */
export async function assertWhole(folder: VoyageFolder, ledger: Ledger, of: Of): Promise<void> {
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
      hint: `bring the repository back as it was; or ${beginAnew(of)}`,
    },
  );
}
