import { counted } from "../../../lib/base/counted.ts";
import type { Basis, Usage } from "../../../lib/protocol/ship-reports.ts";
import { costText } from "../../../lib/voyage/cost-text.ts";
import { lasting } from "../../output/durations.ts";
import type { ReportFacts } from "../facts/facts.ts";
import { html, type Markup } from "./markup.ts";
import { pairs, type Row, table } from "./pieces.ts";
import { allTokens, many, money, NONE, shipName, taskName } from "./words.ts";

/** What was spent: in all, by what became of it, by ship and by task. */
export function spent({ spend, tasks, ships, voyage }: ReportFacts): Markup {
  const { total, budgetUsd } = spend;
  if (total === null)
    return html`<p>${voyage.hand === "rehearsal" ? "No model was used: the tasks were done by the hand rehearsal, which runs each task's own command." : "No run has told of anything that it used."}</p>`;
  const accepted = tasks.filter(({ status }) => status === "accepted").length;
  return html`${bar(spend)}
${pairs([
  [
    "In all",
    html`${costText(total)}${budgetUsd !== null && ` of a budget of ${money(budgetUsd)} (${Math.round((total.costUsd / budgetUsd) * 100)} %)`}`,
  ],
  ["For an accepted task", accepted > 0 ? money(total.costUsd / accepted) : null],
  [
    "Tokens read",
    `${many(total.inputTokens + total.cacheReadTokens + total.cacheCreationTokens)}, of which ${many(total.cacheReadTokens)} came from the cache`,
  ],
  ["Tokens written", many(total.outputTokens)],
  ["Turns", `${total.turns}, in ${lasting(total.seconds)} of runs`],
  ["Trials of ships", spend.withoutTask === null ? null : money(spend.withoutTask.costUsd)],
])}
${thrownAway(spend)}
<p class="quiet">${BASES[total.basis ?? "reported"]}</p>
${models(spend)}
<div class="beside"><div>${table({ name: "Spend by ship", columns: columnsOf("Ship"), rows: rowsOf(ships.map(({ ship, usage }) => [shipName(ship), usage])), open: 12, most: 1_000, of: ["ship", "ships"] })}</div>
<div>${table({ name: "Spend by task", columns: columnsOf("Task"), rows: rowsOf(byCost(tasks).map(({ id, subject, usage }) => [html`${taskName(id)} ${subject}`, usage])), open: 12, most: 1_500, of: ["task", "tasks"] })}</div></div>`;
}

/** What a sum is worth. */
const BASES: Record<Basis, string> = {
  reported: "Sums are what Claude Code has reported of its runs, at list prices.",
  derived:
    "Sums are what Claude Code has reported of its runs, at list prices; where it is said, they are derived from tokens and the plan's prices.",
  unknown: "Sums are what Claude Code has reported of its runs. Where the price of a model is not known, they are its guess.",
};

/** A row for each model, where there are several or its price needs a remark. */
function models({ byModel }: ReportFacts["spend"]): Markup | null {
  if (byModel.length === 0) return null;
  const columns = [
    { title: "Model", isWide: true },
    { title: "Spend", isNumber: true },
    { title: "Tokens", isNumber: true },
  ];
  const rows = byModel.map(
    (each): Row => ({ cells: [html`${each.model}`, html`${costText(each)}`, html`${many(each.tokens)}`] }),
  );
  return table({ name: "Spend by model", columns, rows, open: 8, most: 200, of: ["model", "models"] });
}

const byCost = (tasks: ReportFacts["tasks"]) =>
  tasks.filter(({ usage }) => usage !== null).sort((a, b) => b.usage!.costUsd - a.usage!.costUsd);

const columnsOf = (what: string) => [
  { title: what, isWide: true },
  { title: "Spend", isNumber: true },
  { title: "Tokens", isNumber: true },
  { title: "Written", isNumber: true },
  { title: "Turns", isNumber: true },
];

const rowsOf = (rows: readonly (readonly [name: Markup, usage: Usage | null])[]): Row[] =>
  rows.map(([name, usage]) => ({
    cells:
      usage === null
        ? [name, NONE, NONE, NONE, NONE]
        : [
            name,
            html`${money(usage.costUsd)}`,
            html`${many(allTokens(usage))}`,
            html`${many(usage.outputTokens)}`,
            html`${usage.turns}`,
          ],
  }));

function thrownAway({ thrownAway: { usd, by }, askedUsd }: ReportFacts["spend"]): Markup {
  const asked = askedUsd > 0 && html`<p>${money(askedUsd)} went into claims that ended with a question to the captain.</p>`;
  if (by.length === 0) return html`<p>Nothing was thrown away: no claim that spent anything ended without a result.</p>${asked}`;
  return html`<p><b>${money(usd)}</b> went into claims that delivered nothing:</p>
<ul>${by.map(({ why, usd: part, runs }) => html`<li>${why}: ${money(part)}, in ${counted(runs, "run")}</li>`)}</ul>${asked}`;
}

/** A bar of what the money went into; with a budget the whole of it is the bar. */
function bar({ total, budgetUsd, deliveredUsd, openUsd, askedUsd, withoutTask, thrownAway }: ReportFacts["spend"]): Markup {
  const parts: [kind: string, name: string, amount: number][] = [
    ["done", "in accepted tasks", deliveredUsd],
    ["open", "in tasks at work", openUsd],
    ["asked", "before a question", askedUsd],
    ["failed", "thrown away", thrownAway.usd],
    ["trial", "trials of ships", withoutTask?.costUsd ?? 0],
  ];
  const whole = Math.max(budgetUsd ?? 0, total!.costUsd);
  if (whole <= 0) return html``;
  let x = 0;
  const drawn = parts
    .filter(([, , amount]) => amount > 0)
    .map(([kind, name, amount]) => {
      const [from, width] = [x, (amount / whole) * 100];
      x += width;
      return html`<svg class="bar ${kind}" x="${from.toFixed(3)}%" width="${width.toFixed(3)}%" height="22"><title>${`${money(amount)} ${name}`}</title><rect width="100%" height="100%"/></svg>`;
    });
  const label = parts
    .filter(([, , amount]) => amount > 0)
    .map(([, name, amount]) => `${money(amount)} ${name}`)
    .join(", ");
  return html`<svg class="picture money" width="100%" height="22" role="img" aria-label="${label}"><rect class="ground" width="100%" height="22"/>${drawn}</svg>
<ul class="legend">${parts
    .filter(([, , amount]) => amount > 0)
    .map(
      ([kind, name, amount]) =>
        html`<li><svg class="bar ${kind}" width="22" height="12" aria-hidden="true"><rect width="22" height="12" rx="3"/></svg> ${money(amount)} ${name}</li>`,
    )}</ul>
`;
}
