import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { withHome } from "../../lib/base/paths.ts";
import { typedWord } from "../../lib/base/shell-word.ts";
import { firstLine, plainJson } from "../../lib/base/text.ts";
import { estimatesOf, timed } from "../../lib/plan/estimates.ts";
import { MAX_SHIPS } from "../../lib/plan/limits.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import type { Plan } from "../../lib/plan/types.ts";
import { worthwhile } from "../../lib/plan/worthwhile.ts";
import { span } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { table } from "../output/table.ts";
import { waitedFor } from "../output/waited-for.ts";
import { earlierTasks } from "../plan/earlier-tasks.ts";
import { faultsOf } from "../plan/rehearse/faults.ts";
import { type Rehearsed, sailRehearsal } from "../plan/rehearse/sail.ts";

/** The most ships that are made unasked, as all of them run on this machine. */
const MOST_UNASKED = 4;

/**
 * `ocaptain plan rehearse <folder>` sails a plan on the harbor, and tells how it unfolded.
 * @returns 1 where a part failed
 */
export async function planRehearse(word: string, { ships }: { ships?: string }, io: Io): Promise<number> {
  const folder = withHome(word);
  const loaded = await loadPlan(folder);
  if (!("plan" in loaded)) {
    const [first] = loaded.findings;
    throw new OcaptainError("BAD_PLAN", `plan ${word} cannot sail: ${first?.file} ${first?.field} ${first?.message}`, {
      hint: `ocaptain plan check ${typedWord(word)}`,
    });
  }
  const { plan } = loaded;
  const recommended = worthwhile(timed(plan.tasks, estimatesOf(plan.tasks, (await earlierTasks())?.minutes))).ships;
  const count = ships === undefined ? Math.min(MOST_UNASKED, recommended) : shipCount(ships);
  io.note(`rehearsing ${plan.name}: ${counted(plan.tasks.length, "task")}, ${counted(count, "ship")}; nothing of it stays`);
  const rehearsed = await waitedFor(sailRehearsal(folder, plan, count, io));
  const faults = faultsOf(plan, rehearsed);
  if (io.json) io.out(plainJson(asJson(plan, count, rehearsed, faults), 2));
  else for (const line of asText(plan, rehearsed, faults, io)) io.out(line);
  return faults.length > 0 ? 1 : 0;
}

function shipCount(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_SHIPS) return Number(text);
  throw new OcaptainError("USAGE", `-n, --ships ${text}: must be a number, 1 to ${MAX_SHIPS}`, {
    hint: "ocaptain plan rehearse --help",
  });
}

/** What became of a task's check: where the task was stood in for, nobody can tell whether it would pass. */
function checkOf({ metadata }: Plan["tasks"][number], isAccepted: boolean, isStoodIn: boolean): string {
  if (!metadata.check) return "";
  if (isStoodIn) return "not run";
  return isAccepted ? "passed" : "not passed";
}

function verifyOf({ verify }: Plan, { status, stoodIn }: Rehearsed): string {
  if (verify === null) return "none";
  if (status.state === "verified") return "passed";
  if (status.state !== "failed") return "not run";
  return stoodIn.size > 0 ? "failed, as it may where tasks were stood in for" : "failed";
}

const rowsOf = (plan: Plan, { began, status, stoodIn }: Rehearsed) => {
  const tasks = new Map(plan.tasks.map((task) => [task.id, task]));
  const ended = [...status.tasks].sort((a, b) => Date.parse(a.changedAt) - Date.parse(b.changedAt));
  return ended.map(({ id, subject, status, ship, tries, reason, changedAt }) => {
    const isStoodIn = stoodIn.has(id);
    const check = checkOf(tasks.get(id)!, status === "accepted", isStoodIn);
    const seconds = Math.max(0, Math.round((Date.parse(changedAt) - began) / 1000));
    return { id, subject, status, ship, tries, reason, seconds, stoodIn: isStoodIn, check };
  });
};

const asJson = (plan: Plan, ships: number, rehearsed: Rehearsed, faults: string[]) => ({
  plan: plan.name,
  ships,
  ok: faults.length === 0,
  state: rehearsed.status.state,
  verify: verifyOf(plan, rehearsed),
  tasks: rowsOf(plan, rehearsed),
  faults,
});

function asText(plan: Plan, rehearsed: Rehearsed, faults: readonly string[], io: Io): string[] {
  const rows = rowsOf(plan, rehearsed);
  const { stoodIn, status, began } = rehearsed;
  const lines = table(
    ["AFTER", "TASK", "SUBJECT", "STATUS", "SHIP", "FAILURES", "BY", "CHECK", "REASON"],
    rows.map((row) => [
      { text: span(new Date(began).toISOString(), began + row.seconds * 1000) },
      { text: `#${row.id}` },
      { text: row.subject },
      { text: row.status },
      { text: row.ship ?? "" },
      { text: row.tries > 0 ? String(row.tries) : "" },
      { text: row.stoodIn ? "a stand-in" : "its rehearsal" },
      { text: row.check },
      { text: row.status === "accepted" ? "" : firstLine(row.reason ?? "") },
    ]),
    io.columns,
  );
  const accepted = rows.filter((row) => row.status === "accepted").length;
  const unjudged = rows.filter((row) => row.check === "not run").map(({ id }) => `#${id}`);
  lines.push("", `${accepted} of ${counted(rows.length, "task")} accepted; verify.sh: ${verifyOf(plan, rehearsed)}`);
  if (stoodIn.size > 0)
    lines.push(
      `${counted(stoodIn.size, "task has", "tasks have")} no metadata.rehearsal, and only left a file${unjudged.length > 0 ? `: the check of ${unjudged.join(" ")} was not run, and nothing is known of it` : ""}`,
    );
  for (const fault of faults) lines.push(`${io.style("red", "fault")}: ${fault}`);
  lines.push(
    faults.length === 0
      ? `rehearsed: ${plan.name} sails (${status.state})`
      : `rehearsed, with ${counted(faults.length, "fault")}`,
  );
  return lines;
}
