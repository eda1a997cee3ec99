import { span } from "../durations.ts";
import { firstLine, type Io } from "../io.ts";
import { type Cell, table } from "../table.ts";
import type { ShipView, StatusView } from "./view.ts";

const COLOURS = {
  working: "green",
  idle: "cyan",
  asleep: "dim",
  fenced: "red",
  lost: "red",
  unknown: "yellow",
} as const satisfies Record<ShipView["state"], string>;
const BAD_STATES = new Set(["failed", "blocked", "stalled", "unknown"]);

/** The status as a person reads it: the voyage, then what needs the captain, then a row a ship. */
export function renderStatus(view: StatusView, { style, columns }: Pick<Io, "style" | "columns">, now = Date.now()): string {
  const { tasks } = view;
  const counts = [
    `${tasks.completed}/${tasks.total - tasks.cancelled} accepted`,
    ...(["inProgress", "pending", "blocked", "cancelled"] as const)
      .filter((key) => tasks[key] > 0)
      .map((key) => `${tasks[key]} ${key === "inProgress" ? "claimed" : key}`),
  ].join(" · ");
  const state = style(BAD_STATES.has(view.state) ? "red" : "green", view.state);
  const lines = [
    `${style("bold", view.stack)}  ${state}  ${counts}`,
    style("dim", `  branch ${view.branch}${view.tip ? ` at ${view.tip.slice(0, 8)}` : ""} · ${source(view, now)}`),
  ];
  if (view.attention.length > 0) {
    lines.push("", style("bold", "needs the captain"));
    for (const { message, hint } of view.attention)
      lines.push(`  ${style("red", "✗")} ${firstLine(message)}`, `    ${style("dim", `hint: ${hint}`)}`);
  }
  if (view.ships.length > 0) {
    const headings = ["SHIP", "STATE", "SINCE", "KNOWN BY", "SYNC", "FOR", "TASK"];
    lines.push(
      "",
      ...table(
        headings,
        view.ships.map((ship) => row(ship, style, now)),
        columns,
      ),
    );
  }
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
      text: firstLine(ship.sync.text).slice(0, 40),
      paint: ship.sync.state === "trouble" ? (text) => style("red", text) : undefined,
    },
    { text: ship.task ? span(ship.task.since, now) : "" },
    { text: firstLine(doing) },
  ];
}

function source(view: StatusView, now: number): string {
  if (view.from === "helm") return "from the helm";
  if (view.state === "sunk") return `the fleet is gone, ${span(view.asOf, now)} ago; from the task files`;
  return view.asOf ? `from the task files, last changed ${span(view.asOf, now)} ago` : "from the task files";
}
