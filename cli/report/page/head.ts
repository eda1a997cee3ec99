import { counted } from "../../../lib/base/counted.ts";
import { costText } from "../../../lib/voyage/cost-text.ts";
import { lasting } from "../../output/durations.ts";
import type { ReportFacts } from "../facts/facts.ts";
import { html, type Markup } from "./markup.ts";
import { badge } from "./pieces.ts";
import { moment, money, secondsBetween } from "./words.ts";

// The top of the page: what the voyage was, what it came to in a sentence, and its numbers.

/** In which colour a state is shown. */
const GOOD = new Set(["verified", "done"]);
const BAD = new Set(["failed", "blocked", "lost", "stalled", "budget", "unknown"]);

export function head(facts: ReportFacts): Markup {
  const { voyage, unknown } = facts;
  const came = voyage.sunkAs ?? voyage.state;
  const kind = GOOD.has(came) ? "good" : BAD.has(came) ? "bad" : "plain";
  return html`<header>
<p class="eyebrow">Voyage ${voyage.stack} · ${moment(facts.period.from)} UTC</p>
<h1>${voyage.purpose || voyage.name}</h1>
<p class="lead">${badge(kind, came)} ${summary(facts)}</p>
${landed(facts)}${numbers(facts)}${
  unknown.length > 0 &&
  html`<ul class="unknown">${unknown.map((each) => html`<li>${each}</li>`)}</ul>
`
}</header>
`;
}

/** Where it has landed, with links to pull requests at the forge, and nowhere else. */
function landed({ landed: pulls }: ReportFacts): Markup | false {
  if (pulls.length === 0) return false;
  const named = pulls.map(({ number, url, link, state }, index) => {
    const name = link === null ? html`${url}` : html`<a href="${link}">#${number}</a>`;
    return html`${index > 0 && ", "}${name}${state !== "unknown" && ` (${state})`}`;
  });
  return html`<p>Landed as ${counted(pulls.length, "pull request")}: ${named}</p>
`;
}

/** What came of the voyage, in sentences. */
function summary(facts: ReportFacts): string {
  const { voyage, tasks, ships, period, delivery, verification } = facts;
  const meant = tasks.filter(({ status }) => status !== "cancelled");
  const accepted = meant.filter(({ status }) => status === "accepted");
  const time = period.work ? ` in ${lasting(secondsBetween(period.work.from, period.work.to))}` : "";
  const by = accepted.length > 0 ? ` by ${counted(ships.filter((ship) => ship.accepted > 0).length, "ship")}${time}` : "";
  const count =
    accepted.length === meant.length
      ? `${counted(meant.length, "task")} ${meant.length === 1 ? "was" : "were"}`
      : `${accepted.length} of ${counted(meant.length, "task")} were`;
  const commits = delivery.commits > 0 ? `, as ${counted(delivery.commits, "commit")} on branch ${voyage.branch}` : "";
  const cut = ships.reduce((all, { cutOff }) => all + cutOff, 0);
  const healed = ships.reduce((all, { marks }) => all + marks.filter(({ is }) => is === "healed").length, 0);
  const cutOff = cut > 0 ? ` ${cut === 1 ? "Once a ship was" : `${cut} times a ship was`} cut off from its work.` : "";
  const lost = `${cutOff}${healed > 0 ? ` ${counted(healed, "time")} a ship came back as new.` : ""}`;
  return `${count} delivered${by}${commits}.${lost} ${verifiedInWords(verification, voyage.tip)}${voyage.state === "sunk" ? " The fleet is gone." : ""}`;
}

function verifiedInWords({ script, now, runs }: ReportFacts["verification"], tip: string | null): string {
  if (script === null) return "The plan has no verify.sh.";
  const last = runs.findLast(({ end }) => end === "passed" || end === "failed");
  if (now === null && tip === null && last)
    return `verify.sh ${last.end} when it was last run; which commit the branch is at now is not known.`;
  if (now === null) return runs.length === 0 ? "verify.sh was not run." : "For the branch as it is now verify.sh has no result.";
  return now.exitCode === 0
    ? `verify.sh passed at ${(tip ?? now.commit).slice(0, 8)}.`
    : `verify.sh failed at ${now.commit.slice(0, 8)}, exit status ${now.exitCode}.`;
}

function numbers(facts: ReportFacts): Markup {
  const { tasks, ships, period, delivery, spend } = facts;
  const meant = tasks.filter(({ status }) => status !== "cancelled");
  const work = ships.reduce((all, { seconds }) => all + seconds.work, 0);
  const wall = period.work ? secondsBetween(period.work.from, period.work.to) : 0;
  const isTimed = ships.every(({ seconds }) => seconds.unknown === 0) && wall > 0;
  const change = delivery.change;
  const tiles: [name: string, value: string, more: string][] = [
    ["Tasks", `${meant.filter(({ status }) => status === "accepted").length} / ${meant.length}`, "accepted"],
    ["Time", period.work ? lasting(wall) : "–", "from the first grant to the last result"],
    [
      "Ships",
      String(ships.length),
      isTimed ? `at work ${lasting(work)} together, ${(work / wall).toFixed(1)} at a time` : "that were registered",
    ],
    [
      "Change",
      change ? `+${change.insertions} −${change.deletions}` : delivery.commits > 0 ? "not known" : "–",
      change ? `in ${counted(change.files, "file")}` : "lines",
    ],
    [
      "Spend",
      spend.total ? costText(spend.total) : "nothing",
      spend.budgetUsd !== null ? `of ${money(spend.budgetUsd)}` : spend.total ? "by Claude Code's count" : "no run told of any",
    ],
  ];
  return html`<ul class="tiles">${tiles.map(
    ([
      name,
      value,
      more,
    ]) => html`<li><span class="name">${name}</span> <span class="value">${value}</span> <span class="quiet">${more}</span></li>
`,
  )}</ul>
`;
}
