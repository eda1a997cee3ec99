import { counted } from "../../lib/base/counted.ts";
import { firstLine, plain, usd } from "../../lib/base/text.ts";
import { costText } from "../../lib/voyage/cost-text.ts";
import { isReadyToLand } from "../../lib/watch/landed.ts";
import type { ShipView, StatusView } from "../../lib/watch/view.ts";
import { span } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { spendCell, tokens } from "../output/spend.ts";
import { type Cell, cut, table } from "../output/table.ts";
import { wrap, wrapCommand } from "../output/wrap.ts";
import { landedLine } from "./landed.ts";

const COLOURS = {
  working: "green",
  idle: "cyan",
  asleep: "dim",
  "no-progress": "yellow",
  "no-signal": "yellow",
  unfit: "red",
  fenced: "red",
  lost: "red",
  unknown: "yellow",
} as const satisfies Record<ShipView["state"], string>;
const BAD_STATES = new Set(["failed", "blocked", "stalled", "lost", "budget", "limited", "paused", "unknown"]);
/** Columns of a question's indentation. */
const INDENT = "      ";

/** The status as a person reads it: the voyage, then what needs the captain and for how long, then a row a ship. */
export function renderStatus(view: StatusView, { style, columns }: Pick<Io, "style" | "columns">, now = Date.now()): string {
  const { tasks } = view;
  const counts = [
    `${tasks.accepted}/${tasks.total - tasks.cancelled} accepted`,
    ...(["claimed", "pending", "blocked", "cancelled"] as const)
      .filter((key) => tasks[key] > 0)
      .map((key) => `${tasks[key]} ${key}`),
  ].join(" · ");
  const said = (format: "dim" | "yellow", text: string) => wrap(text, columns, "  ").map((line) => style(format, line));
  const state = style(BAD_STATES.has(view.state) ? "red" : "green", view.state);
  const was = view.sunkAs ? `, was ${view.sunkAs}` : "";
  // Colours take no columns.
  const bare = `${view.stack}  ${view.state}${was}  `;
  const [head = "", ...more] = wrap(counts, columns, bare, "  ");
  const lines = [
    `${style("bold", view.stack)}  ${state}${was}  ${head.slice(bare.length)}`,
    ...more,
    ...said("dim", `branch ${view.branch}${view.tip ? ` at ${view.tip.slice(0, 8)}` : ""} · ${source(view, now)}`),
    ...said("dim", `workspace ${view.workspace}`),
    ...view.landed.flatMap((pull) => said("dim", landedLine(pull))),
    ...(view.spend && (view.spend.turns > 0 || view.spend.budgetUsd !== null) ? said("dim", spent(view)) : []),
    ...(view.paused ? said("yellow", paused(view.paused, view.stack, now)) : []),
    ...(view.limited ? said("yellow", limit(view.limited, view.stack, now)) : []),
  ];
  if (view.attention.length > 0) {
    lines.push("", style("bold", `needs you (${view.attention.length})`));
    for (const { id, message, detail, hint, since } of view.attention) {
      // That a voyage is ready to land is no fault of anything.
      const mark = isReadyToLand(id) ? style("green", "✓") : style("red", "✗");
      lines.push(
        ...wrap(`${since === null ? "" : `${span(since, now)} · `}${firstLine(message)}`, columns, "  ✗ ", "    ").map((line) =>
          line.replace(/^ {2}✗/, `  ${mark}`),
        ),
        ...(detail?.trim().split("\n") ?? []).flatMap((line) => wrap(plain(line), columns, INDENT)),
        ...wrapCommand(plain(hint), columns, "    hint: ", INDENT).map((line) => style("dim", line)),
      );
    }
  }
  if (view.ships.length > 0) {
    const headings = ["SHIP", "STATE", "SINCE", "KNOWN BY", "SYNC", "SPEND", "FOR", "TASK"];
    lines.push(
      "",
      ...table(
        headings,
        view.ships.map((ship) => row(ship, style, now)),
        columns,
      ),
    );
  }
  if (view.next) lines.push("", ...wrapCommand(plain(view.next), columns, "next: ", INDENT));
  return lines.join("\n");
}

function row(ship: ShipView, style: Io["style"], now: number): Cell[] {
  const doing = ship.task ? `#${ship.task.id} ${ship.task.subject}` : (ship.note ?? "");
  return [
    { text: ship.ship },
    { text: ship.state, paint: (text) => style(COLOURS[ship.state], text) },
    { text: span(ship.since, now) },
    { text: ship.knownBy },
    {
      text: cut(firstLine(ship.sync.text), 40),
      paint: ship.sync.state === "trouble" ? (text) => style("red", text) : undefined,
    },
    { text: spendCell(ship.usage) },
    { text: ship.task ? span(ship.task.since, now) : "" },
    { text: firstLine(doing) },
  ];
}

function spent({ spend, from }: StatusView): string {
  const { budgetUsd, configuredUsd, turns } = spend!;
  const word =
    configuredUsd === undefined ? "" : ` (by your word; configured: ${configuredUsd === null ? "none" : usd(configuredUsd)})`;
  const bound = budgetUsd === null ? "" : ` of ${usd(budgetUsd)}${word}`;
  const parts = [`spent ${costText(spend!)}${bound}`, `${tokens(spend!)} tokens`, counted(turns, "turn")];
  return [...parts, ...(from === "files" ? ["by the task files: of tasks alone"] : [])].join(" · ");
}

function paused({ since, giveBackAt }: NonNullable<StatusView["paused"]>, stack: string, now: number): string {
  const left = giveBackAt && span(new Date(now).toISOString(), Date.parse(giveBackAt));
  const atWork = left ? `; tasks at work are given back ${left === "0s" ? "now" : `in ${left}`}` : "";
  return `paused for ${span(since, now)}: nothing is given out${atWork} (to go on: ocaptain resume ${stack})`;
}

function limit({ until, message, by }: NonNullable<StatusView["limited"]>, stack: string, now: number): string {
  const left = span(new Date(now).toISOString(), Date.parse(until));
  return `no task is given out for ${left}, until ${until.slice(0, 19)}Z: ${firstLine(message)} (told by ${by.join(", ")}; to try at once: ocaptain retry limit ${stack})`;
}

function source(view: StatusView, now: number): string {
  if (view.from === "helm") return "from the helm";
  if (view.state === "sunk") return `the fleet is gone, ${span(view.asOf, now)} ago; from the task files`;
  return view.asOf ? `from the task files, last changed ${span(view.asOf, now)} ago` : "from the task files";
}
