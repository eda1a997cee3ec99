import { counted } from "../../../lib/base/counted.ts";
import { usd } from "../../../lib/base/text.ts";
import { costText } from "../../../lib/voyage/cost-text.ts";
import { lasting } from "../../output/durations.ts";
import type { ReportFacts, Setback, TaskFacts } from "../../report/facts/facts.ts";
import type { Measure, PullAbout } from "./about.ts";
import { block, code, folded, joined, Markdown, md, prose, proseWithCode, table } from "./markdown.ts";

// The parts of a pull request's text, in the order in which a reviewer reads them.

/** A commit, short. A forge makes a link of it where it has the commit, which it has not of what was squashed. */
const commitOf = (commit: string | null, isThere: boolean): Markdown => {
  if (commit === null || !/^[0-9a-f]{40,64}$/.test(commit)) return md`a commit that is not known`;
  return isThere ? new Markdown(commit.slice(0, 10)) : new Markdown(`\`${commit.slice(0, 10)}\``);
};

/** What it is in one look: a warning, where it is to be had, and the sums. */
export function headOf(facts: ReportFacts, about: PullAbout, tasks: readonly TaskFacts[]): Markdown[] {
  const { ships, spend, delivery, period } = facts;
  const accepted = tasks.filter(({ status }) => status === "accepted").length;
  const sums = [
    md`**${accepted} of ${counted(tasks.length, "task")}** delivered by ${counted(new Set(tasks.flatMap(({ ship }) => ship ?? [])).size || ships.length, "ship")}`,
    period.work && md`in ${lasting((Date.parse(period.work.to) - Date.parse(period.work.from)) / 1000)}`,
  ];
  const { change } = delivery;
  const lines = [
    joined(sums, " "),
    verdict(about),
    !about.part && change && md`${counted(change.files, "file")} changed, +${change.insertions} −${change.deletions}`,
    !about.part && spend.total !== null && spend.total.costUsd > 0 && md`${costText(spend.total)} spent`,
  ];
  const warning =
    about.unverified &&
    md`> [!WARNING]
> **Not verified**: the plan's verify.sh has not passed on what this brings.`;
  return [warning, joined(lines, " · "), chain(about)].filter((each) => each instanceof Markdown);
}

const verdict = ({ unverified, verifiedCommit, how, part }: PullAbout): Markdown | null => {
  if (unverified || verifiedCommit === null) return null;
  const of = part ? "on all waves together, at " : how === "squash" ? "on the same files, at " : "at ";
  return md`verify.sh passed ${of}${commitOf(verifiedCommit, how === "per-task")}`;
};

/** Of a stack: where this one stands in the chain. */
function chain({ part }: PullAbout): Markdown | null {
  if (!part) return null;
  const known = new Map(part.pulls.map((pull) => [pull.wave, pull]));
  const waves = Array.from({ length: Math.min(part.of, 100) }, (_, index) => {
    const pull = known.get(index + 1);
    const name = md`wave ${index + 1}`;
    if (index + 1 === part.wave) return md`**${name}**`;
    return pull && isAddress(pull.url) ? new Markdown(`[wave ${index + 1}](${pull.url})`) : name;
  });
  return md`Wave ${part.wave} of ${part.of}, each on the one before, to be merged in this order: ${joined(waves, " → ")}`;
}

/** Whether an address can be a link's: it is the forge's own word, and is looked at all the same. */
const isAddress = (text: string) => /^https?:\/\/[\w.:[\]-]+\/[\w./~%-]*$/.test(text) && URL.canParse(text);

/** A longer table is folded, so that what comes after it is seen. */
const MOST_OPEN = 30;

export function taskTable(tasks: readonly TaskFacts[], about: PullAbout, measure: Measure): Markdown | null {
  if (tasks.length === 0 || measure.rows === 0) return tasks.length > 0 ? more(tasks.length, "task") : null;
  const shown = tasks.slice(0, measure.rows);
  const hasSummaries = measure.summary > 0 && shown.some(({ summary }) => summary);
  const hasChecks = measure.checks && shown.some(({ check }) => check);
  const rows = shown.map((task) => [
    prose(task.id, 20),
    prose(task.subject, measure.subject),
    prose(task.ship ?? "", 40),
    task.status === "accepted" ? commitOf(task.commit, about.how === "per-task") : md`*${task.status}*`,
    ...(hasChecks ? [code(task.check ?? "", 100)] : []),
    ...(hasSummaries ? [proseWithCode(task.summary ?? "", measure.summary)] : []),
  ]);
  const columns = ["Task", "Subject", "Ship", "Commit", ...(hasChecks ? ["Check"] : []), ...(hasSummaries ? ["Summary"] : [])];
  const all = joined([table(columns, rows), more(tasks.length - shown.length, "task")], "\n\n");
  return tasks.length > MOST_OPEN ? folded(md`${counted(tasks.length, "task")}`, all) : all;
}

const more = (count: number, what: string): Markdown | null =>
  count > 0 ? md`*… and ${counted(count, `more ${what}`)}.*` : null;

/** The tasks that the pull request does not bring, and why. */
export function openOf(tasks: readonly TaskFacts[], measure: Measure): Markdown | null {
  const open = tasks.filter(({ status }) => status !== "accepted");
  if (open.length === 0) return null;
  const most = Math.max(5, measure.setbacks);
  const lines = open
    .slice(0, most)
    .map(
      ({ id, subject, status, reason }) =>
        md`- ${prose(id, 20)} · ${prose(subject, 80)}: ${status}${reason !== null && md`, ${proseWithCode(reason, 200)}`}`,
    );
  return joined([joined(lines, "\n"), more(open.length - lines.length, "task")], "\n");
}

export function verifyOf(
  { verification }: ReportFacts,
  { unverified, verifiedCommit, how, part }: PullAbout,
  { lines }: Measure,
): Markdown | null {
  const { script, runs } = verification;
  if (script === null) return md`The plan has no verify.sh.`;
  const done = runs.filter(({ end }) => end === "passed" || end === "failed");
  const run =
    done.findLast(({ commit, end }) => (unverified ? true : commit === verifiedCommit && end === "passed")) ?? done.at(-1);
  if (!run) return md`It has not been run yet.`;
  const at = run.commit === null ? null : md`at ${commitOf(run.commit, how === "per-task" && !part)}`;
  const outcome = run.end === "passed" ? "Passed" : `Failed${run.exitCode === null ? "" : ` with exit status ${run.exitCode}`}`;
  const said = joined(
    [
      md`${outcome}`,
      at,
      run.ship !== null && md`on ${prose(run.ship, 40)}, in a fresh checkout`,
      run.seconds !== null && md`in ${lasting(run.seconds)}`,
    ],
    " ",
  );
  const printed = run.lastLines?.trim();
  const last = printed && lines > 0 ? printed.split("\n").slice(-lines).join("\n") : null;
  return joined([md`${said}.${last !== null && " Its last lines:"}`, last === null ? null : block(last)], "\n\n");
}

const BASES = {
  reported: "as Claude Code has reported it, at list prices",
  derived: "as Claude Code has reported it; in part derived from tokens and the plan's prices",
  unknown: "in part a guess, as the price of a model is not known",
};

export function spendOf({ spend, tasks, voyage }: ReportFacts): Markdown {
  const { total, thrownAway, budgetUsd, byModel, withoutTask, askedUsd } = spend;
  if (total === null)
    return voyage.hand === "rehearsal"
      ? md`None: each task's own command was run, without a model.`
      : md`Not known: no run has told of what it used.`;
  const accepted = tasks.filter(({ status }) => status === "accepted").length;
  const lines = [
    md`- ${usd(total.costUsd)}${budgetUsd !== null && ` of a budget of ${usd(budgetUsd)}`}, ${BASES[total.basis ?? "reported"]}`,
    accepted > 0 && total.costUsd > 0 && md`- ${usd(total.costUsd / accepted)} for a task that was delivered, on average`,
    thrownAway.usd > 0 &&
      md`- ${usd(thrownAway.usd)} went into claims that delivered nothing: ${thrownAway.by.map(({ why, usd: part, runs }) => `${why} ${usd(part)} (${counted(runs, "run")})`).join(", ")}`,
    askedUsd > 0 && md`- ${usd(askedUsd)} went into claims that ended with a question to the captain`,
    withoutTask !== null && withoutTask.costUsd > 0 && md`- ${usd(withoutTask.costUsd)} went into trials of ships`,
    byModel.length > 1 &&
      md`- by model: ${byModel
        .slice(0, 8)
        .map(({ model, costUsd }) => `${model} ${usd(costUsd)}`)
        .join(", ")}${byModel.length > 8 && ` and ${byModel.length - 8} more`}`,
  ];
  return joined(lines, "\n");
}

/** What is said of a setback of each kind: of one, of many. */
const KINDS: Record<Setback["is"], readonly [one: string, many: string]> = {
  "given back": ["given back", "given back"],
  failed: ["failed try", "failed tries"],
  "taken back": ["taken back by the captain", "taken back by the captain"],
  lost: ["lost with its ship", "lost with their ships"],
  blocked: ["blocked", "blocked"],
  conflict: ["conflict with what others had delivered", "conflicts with what others had delivered"],
  "check failed": ["check that failed", "checks that failed"],
  asked: ["question to the captain", "questions to the captain"],
  rescued: ["rescue of work that was not delivered", "rescues of work that was not delivered"],
  unfit: ["ship that could not work", "ships that could not work"],
};

/** What was given back, lost, blocked or asked, and what was changed outside of what the plan said. */
export function setbackOf({ setbacks }: ReportFacts, tasks: readonly TaskFacts[], { setbacks: most }: Measure): Markdown | null {
  const ids = new Set(tasks.map(({ id }) => id));
  const told = setbacks.filter(({ task }) => task === null || ids.has(task));
  const outside = tasks.filter((task) => (task.outside?.count ?? 0) > 0);
  if (told.length === 0 && outside.length === 0) return null;
  const counts = (Object.keys(KINDS) as Setback["is"][]).flatMap((is) => {
    const count = told.filter((each) => each.is === is).length;
    return count > 0 ? [`${count} ${KINDS[is][count === 1 ? 0 : 1]}`] : [];
  });
  const shown = told.slice(0, most).map((each) => lineOf(each));
  const list =
    shown.length > 0
      ? folded(md`${counts.join(", ")}`, joined([joined(shown, "\n"), more(told.length - shown.length, "setback")], "\n\n"))
      : counts.length > 0
        ? md`${counts.join(", ")}`
        : null;
  return joined([outsideOf(outside, Math.max(3, most)), list], "\n\n");
}

const lineOf = ({ is, task, ship, text, more: and }: Setback): Markdown =>
  joined(
    [
      md`- ${KINDS[is][0]}${task !== null && md`, task ${prose(task, 20)}`}${ship !== null && md` on ${prose(ship, 40)}`}: ${proseWithCode(text, 240)}`,
      is === "asked" && and !== null && md`(answer: ${proseWithCode(and, 200)})`,
    ],
    " ",
  );

function outsideOf(tasks: readonly TaskFacts[], most: number): Markdown | null {
  if (tasks.length === 0) return null;
  const lines = tasks.slice(0, most).map(({ id, outside }) => {
    const named = outside!.files.slice(0, 5).map((file) => code(file, 120));
    return md`- task ${prose(id, 20)}: ${joined(named, ", ")}${outside!.count > named.length && ` and ${outside!.count - named.length} more`}`;
  });
  return joined(
    [md`**Outside of what the plan says that they touch:**`, joined([...lines, more(tasks.length - lines.length, "task")], "\n")],
    "\n\n",
  );
}

export function howMade(
  { voyage, ships, unknown, tasks, verification }: ReportFacts,
  { how, part, report }: PullAbout,
): Markdown {
  const by =
    voyage.hand === "claude"
      ? md`Claude Code${voyage.model !== null && md` (${voyage.model})`}`
      : md`the hand ${voyage.hand ?? "that is not known"}`;
  const history = part
    ? "One commit for each task, put together by the waves of the graph."
    : how === "squash"
      ? "All of it is one commit; the history, one commit for each task, is the captain's."
      : "One commit for each task, in the order in which they were accepted.";
  const ran = verification.runs.some(({ end }) => end === "passed" || end === "failed");
  const checks = [
    tasks.some(({ check }) => check !== null) && "A task's check had to succeed before its commit was taken.",
    ran && "verify.sh was run in a fresh checkout of the whole.",
  ].filter((each) => each !== false);
  return joined(
    [
      md`By voyage ${code(voyage.stack, 100)} of ocaptain ${voyage.reportedBy}: a plan of tasks, worked off by ${counted(ships.length, "ship")} with ${by}. ${[...checks, history].join(" ")}`,
      md`Who did what when: ${code(`ocaptain report ${voyage.stack}`, 120)}, at the captain${report !== undefined && isAddress(report) && new Markdown(`; or [its page](${report})`)}.`,
      unknown.length > 0 &&
        joined(
          unknown.slice(0, 5).map((each) => md`- ${prose(each, 300)}`),
          "\n",
        ),
    ],
    "\n\n",
  );
}
