import { OcaptainError } from "../../../lib/base/errors.ts";
import { firstLine } from "../../../lib/base/text.ts";
import { helmClient } from "../../../lib/daemons/helm-client.ts";
import { git } from "../../../lib/git/run.ts";
import { mergedRef } from "../../../lib/plan/follow-up.ts";
import type { TaskRow } from "../../../lib/protocol/status.ts";
import type { KnownVoyage } from "../../../lib/watch/known.ts";
import { conflictTask, SIGNATURE } from "./conflict.ts";
import type { Intention } from "./intend.ts";
import type { Record } from "./record.ts";
import type { Update } from "./update.ts";

/**
 * Has the fleet settle a conflict with the base, by a follow-up task, and returns what the landing ends with. The same
 * commit of the base makes one task only; while the fleet is at one for an earlier commit, none is made besides.
 */
export async function conflicted(
  { file, folder }: KnownVoyage,
  plan: Intention,
  { tree, files }: Extract<Update, { kind: "conflict" }>,
  record: Record,
): Promise<OcaptainError> {
  const { stack, base, standing } = plan;
  const named = files.slice(0, 5).map(firstLine).join(", ");
  const what = `${base.branch} has moved on, and is in conflict with ${stack} in ${named}; nothing was pushed`;
  const earlier = record.fixes.findLast(({ signature }) => signature.startsWith(SIGNATURE));
  const atWork = standing.view.taskRows.find(
    ({ id, status }) => id === earlier?.task && (status === "pending" || status === "claimed"),
  );
  const task = atWork ?? (await addTask());
  return new OcaptainError("CONFLICT", `${what}. ${becameOf(task)}`, { hint: wayOut(task) });

  async function addTask(): Promise<TaskRow> {
    await git(["update-ref", mergedRef(base.tip), base.tip], { gitDir: folder.repo });
    const ask = await conflictTask(folder.repo, { tip: standing.history.tip, base, stack, tree, files });
    const { task: added } = await helmClient().addTask(file.voyageId, { ...ask, merges: base.tip, urgent: true });
    const round = 1 + record.fixes.filter(({ signature }) => signature.startsWith(SIGNATURE)).length;
    await record.fix({ signature: ask.signature, task: added.id, round, at: new Date().toISOString() });
    return added;
  }

  function wayOut({ id, status }: TaskRow): string {
    if (status === "blocked") return `ocaptain retry ${id} ${stack}`;
    const byHand = `git -C ${folder.workspace} pull --no-rebase ${plan.place.address} ${base.branch}`;
    if (status === "cancelled" || status === "accepted") return `${byHand}  # settle it there, commit, git push; then land again`;
    return `ocaptain wait ${stack} && ocaptain land ${stack}  # goes on when it is done`;
  }
}

function becameOf({ id, status, ship, reason }: TaskRow): string {
  switch (status) {
    case "claimed":
      return `${ship} is at task ${id}, which settles it`;
    case "blocked":
      return `Task ${id}, which was to settle it, is blocked${reason ? `: ${firstLine(reason)}` : ""}`;
    case "cancelled":
      return `Task ${id}, which was to settle it, was cancelled`;
    case "accepted":
      return `Task ${id} was to settle it, and did not merge it`;
    default:
      return `Task ${id} was given to the fleet, to settle it`;
  }
}
