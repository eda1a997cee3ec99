import { counted } from "../../../lib/base/counted.ts";
import { plainJson } from "../../../lib/base/text.ts";
import type { VoyageEvent } from "../../../lib/protocol/events.ts";
import type { ReportFacts, VerifyRun } from "../facts/facts.ts";
import { html, type Markup } from "./markup.ts";
import { badge, folded, pairs, type Row, table } from "./pieces.ts";
import { duration, moment, NOT_KNOWN, shipName, shortCommit, taskName } from "./words.ts";

// Checks and verification, the events, and how the voyage was made.

const MOST_SCRIPT = 20_000;
/** How many runs of verify.sh are told one by one, the newest. */
const MOST_RUNS = 50;

export function checks({ tasks, verification }: ReportFacts): Markup {
  const accepted = tasks.filter(({ status }) => status === "accepted");
  const checked = accepted.filter(({ check }) => check !== null).length;
  const said =
    accepted.length === 0
      ? "No task was accepted."
      : `${checked} of ${counted(accepted.length, "accepted task")} had a check of their own, which passed on the ship: else the commit is not taken.`;
  const { script, runs } = verification;
  if (script === null) return html`<p>${said} The plan has no verify.sh, which could prove more.</p>`;
  const shown = runs.slice(-MOST_RUNS);
  return html`<p>${said} ${runs.length === 0 ? "verify.sh was not run." : `verify.sh was run ${counted(runs.length, "time")}, each in a fresh checkout of the branch.`}</p>
${runs.length > shown.length && html`<p class="quiet">The last ${shown.length} of them:</p>`}${shown.map(runOf)}
${folded("verify.sh", html`<pre>${script.slice(0, MOST_SCRIPT)}${script.length > MOST_SCRIPT && "\n…"}</pre>`)}`;
}

function runOf({ ship, commit, at, seconds, end, exitCode, lastLines }: VerifyRun): Markup {
  const kind = end === "passed" ? "good" : end === "failed" ? "bad" : "plain";
  const status = exitCode !== null && exitCode !== 0 ? `, exit status ${exitCode}` : "";
  const by = ship === null ? "" : ` on ${ship}`;
  const took = seconds === null ? "" : html`, in ${duration(seconds)}`;
  return html`<div class="run"><p>${badge(kind, end === "open" ? "goes on" : end)} at commit ${commit === null ? NOT_KNOWN : shortCommit(commit)}${by}, ${moment(at)}${took}${status}</p>
${lastLines !== null && lastLines !== "" ? html`<pre>${lastLines}</pre>` : end === "open" ? "" : html`<p class="quiet">What it printed is not kept, or it printed nothing.</p>`}</div>
`;
}

/** All events, folded. */
export function eventTable({ events }: ReportFacts): Markup {
  const { total, shown, whole } = events;
  if (total === 0) return html`<p>The ledger has no events.</p>`;
  const columns = [{ title: "When" }, { title: "What" }, { title: "Task" }, { title: "Ship" }, { title: "More", isWide: true }];
  const rows = shown.map(
    (event): Row => ({
      cells: [moment(event.at), html`${event.kind}`, taskName(event.task), shipName(event.ship), html`${moreOf(event)}`],
    }),
  );
  const count = shown.length < total ? `The newest ${shown.length} of ${total} events` : counted(total, "event");
  return html`${!whole && html`<p class="quiet">The ledger does not have all that ever happened.</p>`}${folded(count, table({ name: "What happened, in order", columns, rows, open: shown.length, most: shown.length, of: ["event", "events"] }))}`;
}

function moreOf({ reason, data }: VoyageEvent): string {
  const more = data === undefined ? "" : plainJson(data).slice(0, 300);
  return [reason?.slice(0, 500), more === "{}" ? "" : more].filter(Boolean).join(" ");
}

export function made({ voyage, ships, tasks }: ReportFacts): Markup {
  const hand =
    voyage.hand === "claude"
      ? `Claude Code, in a session of its own for each task${voyage.model ? `; the plan names the model ${voyage.model}` : ""}`
      : voyage.hand === "rehearsal"
        ? "the rehearsal: each task's own command, without a model"
        : voyage.hand;
  return html`<p>A captain had a plan: a spec, a graph of tasks and a check script. ocaptain made a fleet of VMs (ships) for it, gave each task to one ship at a time, took one commit for each task onto one branch, and ran verify.sh on the result.</p>
${pairs([
  ["Voyage", html`${voyage.stack} (<code>${voyage.id}</code>)`],
  ["Begun", moment(voyage.createdAt)],
  ["Fleet gone", voyage.sunkAt === null ? null : moment(voyage.sunkAt)],
  ["As of", moment(voyage.asOf)],
  ["Plan", `${voyage.name}, ${counted(tasks.length, "task")}`],
  ["Ships", String(ships.length)],
  ["Hand", hand],
  ["Sailed by", voyage.sailedBy],
  ["Repository", voyage.repository],
  ["Branch", html`${voyage.branch}${voyage.tip !== null && html` at ${shortCommit(voyage.tip)}`}`],
  ["Report by", `ocaptain ${voyage.reportedBy}`],
])}
<p class="quiet">From the voyage's ledger, its repository and, at sea, its helm. Times are in UTC, by the captain's clock. What they do not say is not known, and not guessed.</p>`;
}
