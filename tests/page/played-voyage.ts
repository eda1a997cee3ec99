import type { PageRoots } from "../../helm/page/server.ts";
import type { VoyageEvent } from "../../lib/protocol/events.ts";
import type { Usage } from "../../lib/protocol/ship-reports.ts";
import type { TaskRow } from "../../lib/protocol/status.ts";
import type { PageLogLine, PageView, PageVoyage } from "../../lib/watch/page-api.ts";
import type { ShipView, StatusView } from "../../lib/watch/view.ts";

/** A voyage that never was, at one moment of its second hour: what the page shows of it is always the same. */
export const NOW = Date.parse("2026-06-12T14:32:00Z");
const VOYAGE = "5a11ed";
const STACK = "voyage-sql";
const SHIPS = 6;

const ago = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();
const usage = (costUsd: number): Usage => ({
  costUsd,
  inputTokens: Math.round(costUsd * 9_000),
  outputTokens: Math.round(costUsd * 4_000),
  cacheReadTokens: Math.round(costUsd * 520_000),
  cacheCreationTokens: Math.round(costUsd * 21_000),
  turns: Math.round(costUsd * 22),
  seconds: costUsd * 300,
});

/** Each task: what it is, and what it waits for. */
const TASKS: [subject: string, ...blockedBy: number[]][] = [
  ["Tokens and their positions"],
  ["Pages of the file format"],
  ["Lexer", 1],
  ["Values and types"],
  ["Parser of expressions", 3],
  ["Parser of statements", 5],
  ["B-tree on pages", 2],
  ["Write-ahead log", 2],
  ["Type checker", 4, 5],
  ["Errors that show the line", 6],
  ["Scan and filter", 7, 9],
  ["Recovery after a crash", 8],
  ["Joins", 11],
  ["Sort and group", 11],
  ["Fuzz the parser", 6],
  ["Transactions", 12, 11],
  ["Explain a plan", 13, 14],
  ["Command-line shell", 10, 14],
  ["Benchmarks", 13],
  ["Handbook", 17, 18],
];
const ACCEPTED = 9;
const AT_WORK = new Map([
  [11, 0],
  [10, 1],
  [15, 3],
]);
const ASKS = 12;
const BLOCKED = 8;
const QUESTION =
  "The log can be written in two ways, and the spec leaves it open. Recovery reads either.\nWhich one?\n- One file that is cut at each checkpoint\n- A file for each checkpoint, the older ones deleted\n- Whatever is faster in the benchmark";

const taskRows: TaskRow[] = TASKS.map(([subject, ...blockedBy], index) => {
  const number = index + 1;
  const isAccepted = number <= ACCEPTED && number !== BLOCKED;
  const at = AT_WORK.get(number);
  const status = isAccepted
    ? "accepted"
    : at !== undefined
      ? "claimed"
      : number === ASKS || number === BLOCKED
        ? "blocked"
        : "pending";
  const ship = isAccepted ? index % SHIPS : (at ?? (number === ASKS ? 2 : null));
  return {
    id: String(number),
    subject,
    status,
    blockedBy: blockedBy.map(String),
    ship: ship === null ? null : `ship-${ship}`,
    incarnation: null,
    epoch: 1,
    tries: number === BLOCKED ? 3 : 0,
    commit: isAccepted ? "4f1c09ab72d3e6885b10a94c7d2e3f6071829ab3".slice(index) + "0".repeat(index) : null,
    reason: number === BLOCKED ? "the check failed: 2 of 31 tests, both of a torn page" : null,
    changedAt: ago(isAccepted ? 96 - number * 8 : 21 - (number % 7) * 2),
    ...(number === ASKS && { question: QUESTION, askedBy: "ship-2" }),
    ...(status !== "pending" && { usage: usage(0.62 + ((number * 37) % 11) * 0.13) }),
  };
});
// The log's task is blocked, and recovery waits for nothing else that is open: it asks before it begins.
taskRows[ASKS - 1]!.blockedBy = ["7"];

const spent = taskRows.reduce((sum, row) => sum + (row.usage?.costUsd ?? 0), 0);
const held = (number: number) => {
  const { id, subject, changedAt } = taskRows[number - 1]!;
  return { id, subject, since: changedAt };
};
const ok = { state: "ok", text: "watching for changes" } as const;
const ships = [
  {
    ship: "ship-0",
    state: "working",
    knownBy: "connected",
    since: ago(13),
    task: held(11),
    note: "the filter pushes down; 18 of 24 tests pass",
  },
  { ship: "ship-1", state: "working", knownBy: "connected", since: ago(15), task: held(10), note: "Edit src/errors/show.ts" },
  { ship: "ship-2", state: "idle", knownBy: "connected", since: ago(11), task: null, note: null },
  { ship: "ship-3", state: "working", knownBy: "connected", since: ago(19), task: held(15), note: "2 million inputs, no crash" },
  { ship: "ship-4", state: "lost", knownBy: "last heard 214 s ago", since: ago(3.6), task: null, note: null },
  { ship: "ship-5", state: "asleep", knownBy: "said goodbye: nothing to do", since: ago(24), task: null, note: null },
].map((row, index) => ({
  ...row,
  usage: usage(1.1 + ((index * 53) % 7) * 0.31),
  sync: row.state === "asleep" ? { state: "asleep", text: "the ship sleeps" } : ok,
})) as ShipView[];

const count = (status: TaskRow["status"]) => taskRows.filter((row) => row.status === status).length;
const view: PageView<StatusView> = {
  id: VOYAGE,
  stack: STACK,
  name: "A small SQL engine",
  state: "needs-captain",
  knownBy: "a task asks the captain",
  since: ago(11),
  sunkAs: null,
  from: "helm",
  asOf: ago(0),
  branch: STACK,
  tip: "9f3c2d1a77b05e41c8a2d6e90b14f7c35a8d2e61",
  workspace: `~/voyages/${STACK}/workspace`,
  tasks: {
    total: taskRows.length,
    pending: count("pending"),
    claimed: count("claimed"),
    accepted: count("accepted"),
    blocked: count("blocked"),
    cancelled: 0,
    byShip: {},
  },
  outside: [],
  spend: { ...usage(spent), budgetUsd: 30, byShip: null },
  limited: null,
  paused: null,
  landed: [],
  attention: [
    {
      id: "question/12/1",
      kind: "question",
      of: String(ASKS),
      message: `task ${ASKS} (Recovery after a crash) asks, from ship-2:`,
      detail: QUESTION,
      choices: QUESTION.split("\n- ").slice(1),
      hint: `ocaptain answer ship-2 - --voyage ${STACK}  # type the answer, then Ctrl-D`,
      since: ago(11),
      action: { verb: "answer", task: String(ASKS), ship: "ship-2" },
    },
    {
      id: "task/8/3",
      kind: "task",
      of: String(BLOCKED),
      message: `task ${BLOCKED} (Write-ahead log) is blocked after 3 tries: the check failed: 2 of 31 tests, both of a torn page`,
      hint: `ocaptain logs ${STACK} --task ${BLOCKED}  # then mend the plan's tasks/${BLOCKED}.json, and: pulumi up -s ${STACK}`,
      since: ago(19),
      action: { verb: "retry", task: String(BLOCKED) },
    },
    {
      id: "ship/ship-4/lost",
      kind: "ship",
      of: "ship-4",
      message: "ship-4 is lost (last heard 214 s ago)",
      hint: `pulumi up -s ${STACK}`,
      since: ago(3.6),
      action: { verb: "up", ship: "ship-4" },
    },
  ],
  ships,
  next: null,
  taskRows,
  sinking: { fromHere: true, command: `ocaptain sink ${STACK}`, run: null },
  upCommand: `pulumi up -s ${STACK}`,
};

const row = (more: Partial<PageVoyage>): PageVoyage => ({
  id: VOYAGE,
  stack: STACK,
  name: view.name,
  state: "needs-captain",
  sunkAs: null,
  createdAt: ago(104),
  sunkAt: null,
  tasks: { total: taskRows.length, accepted: count("accepted"), cancelled: 0 },
  ships: SHIPS,
  costUsd: spent,
  budgetUsd: 30,
  needsYou: 3,
  ...more,
});
const sunk = { state: "sunk", sunkAs: "verified", needsYou: 0 } as const;
const voyages: PageVoyage[] = [
  row({}),
  row({ ...sunk, id: "77a0c4", stack: "voyage-docs", name: "Docs of the client", createdAt: ago(4_000), sunkAt: ago(3_900) }),
];

const told: [minutes: number, kind: VoyageEvent["kind"], more: Partial<VoyageEvent>][] = [
  [104, "voyage-registered", {}],
  ...taskRows
    .filter(({ status }) => status === "accepted")
    .map(({ id, ship, changedAt, commit }): [number, VoyageEvent["kind"], Partial<VoyageEvent>] => [
      (NOW - Date.parse(changedAt)) / 60_000,
      "task-accepted",
      { task: id, ship: ship!, data: { commit: commit! } },
    ]),
  [23, "check-failed", { task: "8", ship: "ship-5", reason: "2 of 31 tests, both of a torn page" }],
  [19, "task-blocked", { task: "8", reason: "the check failed: 2 of 31 tests, both of a torn page" }],
  [18.5, "task-granted", { task: "15", ship: "ship-3" }],
  [15, "task-granted", { task: "10", ship: "ship-1" }],
  [13, "task-granted", { task: "11", ship: "ship-0" }],
  [11, "task-asked", { task: "12", ship: "ship-2", reason: QUESTION.split("\n")[0]! }],
  [3.6, "ship-away", { ship: "ship-4" }],
];
const events: VoyageEvent[] = told
  .toSorted(([one], [other]) => other - one)
  .map(([minutes, kind, more], index) => ({ seq: index + 1, at: ago(minutes), kind, ...more }));

const said: [ship: number, task: number | null, text: string][] = [
  [0, 11, "The filter can be pushed below the scan where it names one table."],
  [1, 10, "Read src/parser/statement.ts"],
  [3, 15, "1,500,000 inputs, no crash"],
  [0, 11, "Edit src/exec/scan.ts  +31 −8"],
  [0, 11, "$ npm test -- scan"],
  [0, 11, "✓ scans a table of no rows (2 ms)"],
  [0, 11, "✓ filters by an index (5 ms)"],
  [1, 10, "Edit src/errors/show.ts  +44 −0"],
  [5, null, "asleep: no task is free"],
  [3, 15, "1,750,000 inputs, no crash"],
  [0, 11, "✗ filters by two indexes: expected 3 rows, got 4"],
  [0, 11, "The second index gives a row twice when both match. I join by row id."],
  [1, 10, "An error shows its line, with a mark below the token."],
  [3, 15, "2,000,000 inputs, no crash"],
  [0, 11, "18 of 24 tests pass"],
];
const lines: PageLogLine[] = said.map(([ship, task, text], index) => ({
  at: ago((said.length - index) * 0.4),
  ship: `ship-${ship}`,
  source: task === null ? "supervisor" : `task-${task}-1`,
  task: task === null ? null : String(task),
  event: task === null ? "ended" : null,
  text,
}));

/** What the page of this voyage is made from. Orders are taken, and do nothing. */
export const playedVoyage: Partial<PageRoots> = {
  voyages: async () => voyages,
  view: async (id) => (id === VOYAGE ? (view as unknown as PageView) : null),
  events: async (_id, { after }) =>
    ({ events: events.filter(({ seq }) => seq > (after ?? 0)), last: events.length, whole: true }) as never,
  logs: async (_id, { cursor }) => ({ lines: cursor ? [] : lines, cursor: "c", truncated: false }),
};
