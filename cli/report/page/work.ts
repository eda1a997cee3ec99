import { counted } from "../../../lib/base/counted.ts";
import type { ReportFacts, Setback, ShipFacts, TaskFacts } from "../facts/facts.ts";
import { html, type Markup } from "./markup.ts";
import { badge, folded, type Row, table } from "./pieces.ts";
import { changed, duration, moment, money, NONE, NOT_KNOWN, shipName, shortCommit, taskName } from "./words.ts";

// What was to be done, what was delivered, and what went back.

const OPEN_TASKS = 60;
const MOST_TASKS = 1_500;
const OPEN_SETBACKS = 40;
const MOST_SETBACKS = 1_000;
/** Characters of a spec, and of a text in a table. */
const MOST_SPEC = 60_000;
const MOST_TEXT = 1_200;

/** What the spec wants: its objective, and all of it folded. */
export function wanted({ voyage }: ReportFacts): Markup {
  const { spec, objective, purpose, name } = voyage;
  const said = objective ?? (spec ? null : "The voyage had no spec.");
  const cut = spec.length > MOST_SPEC ? `${spec.slice(0, MOST_SPEC)}\n… and ${spec.length - MOST_SPEC} characters more` : spec;
  return html`<p><b>${name}</b>${purpose && purpose !== name && html`: ${purpose}`}</p>
${said !== null && paragraphs(said)}
${spec && folded("The whole spec", html`<pre class="text">${cut}</pre>`)}`;
}

const paragraphs = (text: string): Markup =>
  html`${text.split(/\n[ \t]*\n/).map(
    (part) => html`<p class="said">${part}</p>
`,
  )}`;

/** A row for each task. */
export function delivered({ tasks, delivery }: ReportFacts): Markup {
  if (tasks.length === 0) return html`<p>The plan has no task.</p>`;
  const columns = [
    { title: "Task", isWide: true },
    { title: "State" },
    { title: "Ship" },
    { title: "Commit" },
    { title: "Change" },
    { title: "Check" },
    { title: "Tries", isNumber: true },
    { title: "Time", isNumber: true },
    { title: "Spend", isNumber: true },
  ];
  const base = delivery.base === null ? "" : html` from ${shortCommit(delivery.base)}`;
  const whole =
    delivery.change === null
      ? null
      : html`<p>The branch changes ${changed(delivery.change)}${base}, in ${counted(delivery.commits, "commit")}: one for each accepted task.</p>`;
  const rows = tasks.map(taskRow);
  return html`${whole}${table({ name: "The tasks", columns, rows, open: OPEN_TASKS, most: MOST_TASKS, of: ["task", "tasks"] })}`;
}

function taskRow(task: TaskFacts): Row {
  const {
    id,
    subject,
    status,
    ship,
    commit,
    check,
    summary,
    reason,
    grants,
    seconds,
    usage,
    thrownAwayUsd,
    budgetUsd,
    change,
    outside,
  } = task;
  const more = summary ?? (status === "accepted" ? null : reason);
  const kind = { accepted: "good", claimed: "plain", pending: "plain", blocked: "bad", cancelled: "quiet" }[status];
  const spent =
    usage === null
      ? NONE
      : html`${money(usage.costUsd)}${budgetUsd !== null && html`<span class="quiet"> of ${money(budgetUsd)}</span>`}${
          thrownAwayUsd > 0 && html`<br/><span class="quiet">${money(thrownAwayUsd)} thrown away</span>`
        }`;
  return {
    id: /^\d+$/.test(id) ? `task-${id}` : undefined,
    cells: [
      html`<b>#${id}</b> ${subject}${task.isCritical && html` <span class="critical" title="on the critical path">●</span>`}${
        more !== null && html`<p class="quiet said">${bounded(more)}</p>`
      }${outside && html`<p class="quiet">changes ${counted(outside.count, "file")} outside of what it touches by the plan: ${outside.files.slice(0, 5).join(", ")}${outside.count > 5 && " …"}</p>`}`,
      badge(kind, status),
      shipName(ship),
      shortCommit(commit),
      status === "accepted" ? changed(change) : NONE,
      check === null
        ? html`<span class="quiet">none</span>`
        : html`<code class="check" title="${check}">${bounded(check, 60)}</code>${status === "accepted" && html`<br/><span class="plus">passed</span>`}`,
      html`${grants}`,
      status === "accepted" ? duration(seconds) : NONE,
      spent,
    ],
  };
}

const bounded = (text: string, most = MOST_TEXT): string => (text.length > most ? `${text.slice(0, most)}…` : text);

const SETBACKS: Record<Setback["is"], [kind: string, text: string]> = {
  "given back": ["plain", "given back"],
  failed: ["bad", "try failed"],
  "taken back": ["bad", "taken from its ship"],
  lost: ["bad", "lost with its ship"],
  blocked: ["bad", "blocked"],
  conflict: ["plain", "conflict"],
  "check failed": ["bad", "check failed"],
  asked: ["plain", "asked"],
  rescued: ["good", "kept"],
  unfit: ["bad", "ship unfit"],
};

/** What did not go by itself, and why. */
export function wentBack({ setbacks, events, period }: ReportFacts): Markup {
  if (setbacks.length === 0) {
    const since = events.whole
      ? ""
      : period.knownFrom === null
        ? ", as far as the ledger tells"
        : ` since ${period.knownFrom}, from when on events are known`;
    return html`<p>Nothing was given back, blocked or refused, and nobody was asked anything${since}.</p>`;
  }
  const columns = [{ title: "When" }, { title: "What" }, { title: "Task" }, { title: "Ship" }, { title: "Why", isWide: true }];
  const rows = setbacks.map(({ at, is, task, ship, text, more }): Row => {
    const [kind, word] = SETBACKS[is];
    const answer =
      is === "asked"
        ? html`<p class="said"><b>${more === null ? "No answer yet." : "Answer: "}</b>${more}</p>`
        : more !== null && html`<p><code>${more}</code></p>`;
    return {
      cells: [
        html`${moment(at)}`,
        badge(kind, word),
        taskName(task),
        shipName(ship),
        html`<p class="said">${bounded(text)}</p>${answer}`,
      ],
    };
  });
  return table({ name: "What went back", columns, rows, open: OPEN_SETBACKS, most: MOST_SETBACKS, of: ["of them", "of them"] });
}

/** A row for each ship; a column that is empty for all of them is left out. */
export function shipTable({ ships, voyage }: ReportFacts): Markup {
  const time = (seconds: number) => (seconds > 0 ? duration(seconds) : null);
  const all: [title: string, cellOf: (ship: ShipFacts) => Markup | null][] = [
    ["Now", ({ state }) => (voyage.state === "sunk" ? null : state === null ? NOT_KNOWN : html`${state}`)],
    ["Tasks", ({ accepted }) => html`${accepted}`],
    ["At work", ({ seconds }) => time(seconds.work)],
    ["Without a task", ({ seconds }) => time(seconds.free)],
    ["Away", ({ seconds }) => time(seconds.away)],
    ["Not known", ({ seconds }) => time(seconds.unknown)],
    ["Cut off", ({ cutOff }) => (cutOff > 0 ? html`${cutOff}` : null)],
    ["Lives", ({ lives }) => html`${lives}`],
    ["Spend", ({ usage }) => (usage === null ? null : html`${money(usage.costUsd)}`)],
  ];
  const shown = all.filter(([, cellOf]) => ships.some((ship) => cellOf(ship) !== null));
  const columns = [{ title: "Ship" }, ...shown.map(([title]) => ({ title, isNumber: true }))];
  const rows = ships.map((ship): Row => ({ cells: [shipName(ship.ship), ...shown.map(([, cellOf]) => cellOf(ship) ?? NONE)] }));
  return table({ name: "The ships", columns, rows, open: 24, most: 1_000, of: ["ship", "ships"] });
}
