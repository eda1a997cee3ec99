import { resolve } from "node:path";
import { expect, test } from "vitest";
import { summaryOf, type VoyageRecord } from "../../components/outputs.ts";
import { type Sailing, sailingWarnings, stoppedByScale, whatSails } from "../../components/what-sails.ts";
import { criticalPath } from "../../lib/plan/critical-path.ts";
import type { PlanTask } from "../../lib/plan/types.ts";
import type { ShipRow, VoyageStatus } from "../../lib/protocol/status.ts";
import { plan } from "./registered.ts";

const task = (id: string, blockedBy: string[] = [], metadata = {}): PlanTask => ({
  id,
  subject: `Task ${id}`,
  description: "",
  blocks: [],
  blockedBy,
  metadata,
});
const diamond = [task("1"), task("2", ["1"]), task("3", ["1"]), task("4", ["2", "3"])];

const sailing = (more: Partial<Sailing> = {}): Sailing => ({
  stack: "sea",
  plan: { ...plan, name: "survey", repo: "/r", tasks: diamond },
  folder: "plans/survey",
  ships: 2,
  withoutShips: [],
  commit: "0123456789abcdef",
  provider: "harbor",
  unconfined: false,
  mesh: "none",
  hand: "rehearsal",
  ...more,
});

const status = (state: VoyageStatus["state"], ships: Partial<ShipRow>[]) =>
  ({ id: "abc123", state, tasks: [{ id: "2", subject: "Dig\u202e\u001b[31m" }], ships }) as unknown as VoyageStatus;

test("the head of a preview: plan, repository, ships, hand, budget, network and verify.sh, a line each", () => {
  expect(whatSails(sailing())).toBe(
    [
      "What sails as voyage sea:",
      "  plan        survey (plans/survey): 4 tasks, width 2, critical path 3 (1 → 2 → 4)",
      "  repository  /r at 01234567",
      "  ships       2, at the harbor, confined",
      "  hand        rehearsal: no model, it costs nothing",
      "  budget      none, and none is needed",
      "  network     ships reach everything",
      "  verify.sh   none: nothing proves the result as a whole",
    ].join("\n"),
  );
  expect(whatSails(sailing({ ships: 1 }))).toContain(
    "  ships       1, at the harbor, confined; by a simulation the plan is worth 2\n",
  );
  const claude = { ...plan, verify: "true", claude: { model: "sonnet" }, network: { allow: ["a.example", "b.example"] } };
  const tasks = [task("1", [], { claude: { model: "haiku" } }), task("2")];
  const text = whatSails(
    sailing({
      plan: { ...claude, tasks },
      hand: "claude",
      budgetUsd: 5,
      provider: "sprites",
      mesh: "tailscale",
      commit: undefined,
    }),
  );
  expect(text).toContain("ships       2, at sprites.dev");
  expect(text).toContain("hand        claude, model sonnet, haiku");
  expect(text).toContain("budget      $5.00");
  expect(text).toContain("network     ships reach a.example, b.example, and the captain over the tailnet");
  expect(text).toContain("verify.sh   proves");
});

test("a repository that is written relative to the project is shown whole, because the captain may be in any folder", () => {
  expect(whatSails(sailing({ plan: { ...plan, repo: "../my/repo" } }))).toContain(
    `  repository  ${resolve("../my/repo")} at 01234567`,
  );
  expect(whatSails(sailing({ plan: { ...plan, repo: "https://git.example/r" } }))).toContain(
    "  repository  https://git.example/r at",
  );
});

test("a plan's own words steer no terminal and make no line of their own", () => {
  const text = whatSails(sailing({ plan: { ...plan, name: "a\u001b[31m\u202e\nb", tasks: diamond } }));
  expect(text.split("\n")).toHaveLength(8);
  expect(text).toContain("plan        ab (plans/survey)");
});

test("a long critical path is named by its begin and its end", () => {
  const chain = Array.from({ length: 40 }, (_, i) => task(String(i + 1), i > 0 ? [String(i)] : []));
  expect(criticalPath(chain)).toEqual(chain.map(({ id }) => id));
  expect(criticalPath([])).toEqual([]);
  expect(whatSails(sailing({ plan: { ...plan, tasks: chain } }))).toContain("path 40 (1 → 2 → 3 → 4 → 5 → 6 → 7 → … → 40)");
});

test("a fleet that leaves numbers out is named ship by ship", () => {
  expect(whatSails(sailing({ withoutShips: [0, 7] }))).toContain("  ships       2 (ship-1, ship-2), at the harbor, confined\n");
  expect(whatSails(sailing({ withoutShips: [7] }))).toContain("  ships       2, at the harbor, confined\n");
});

test("more ships than the plan's width are warned of, and as many are not", () => {
  expect(sailingWarnings(sailing(), null)).toEqual([]);
  expect(sailingWarnings(sailing({ ships: 3 }), null)).toEqual([
    expect.stringMatching(/^3 ships for a plan of width 2: .*\n {2}hint: pulumi config set ocaptain:ships 2 -s sea$/),
  ]);
});

test("the captain's word for the budget is told beside what is configured, and that it ends where another is configured now", () => {
  const claude = { hand: "claude" as const, budgetUsd: 5 };
  const word = { ...status("sailing", []), spend: { budgetUsd: 8, configuredUsd: 5 } } as unknown as VoyageStatus;
  expect(whatSails(sailing(claude), word)).toContain("budget      $8.00, by your word at the helm; configured: $5.00\n");
  expect(sailingWarnings(sailing(claude), word)).toEqual([]);
  expect(whatSails(sailing({ ...claude, budgetUsd: 6 }), word)).toContain("budget      $6.00\n");
  expect(sailingWarnings(sailing({ ...claude, budgetUsd: 6 }), word)).toEqual([
    expect.stringMatching(
      /^the budget becomes what is configured now, \$6\.00: your word of \$8\.00 at the helm ends with this up\n/,
    ),
  ]);
  const unbound = { ...word, spend: { budgetUsd: 8, configuredUsd: null } } as unknown as VoyageStatus;
  expect(whatSails(sailing({ hand: "claude" }), unbound)).toContain("$8.00, by your word at the helm; configured: none\n");
  expect(sailingWarnings(sailing({ hand: "claude" }), unbound)).toEqual([]);
});

test("claude without any bound of what it spends is warned of", () => {
  const bound = { claude: { budgetUsd: 1 } };
  expect(sailingWarnings(sailing({ hand: "claude" }), null)).toEqual([expect.stringContaining("without a budget")]);
  expect(sailingWarnings(sailing({ hand: "claude", budgetUsd: 9 }), null)).toEqual([]);
  const each = { ...plan, tasks: [task("1", [], bound), task("2", [], bound)] };
  expect(sailingWarnings(sailing({ hand: "claude", plan: each }), null)).toEqual([]);
  const one = { ...plan, tasks: [task("1", [], bound), task("2")] };
  expect(sailingWarnings(sailing({ hand: "claude", plan: one }), null)).toEqual([expect.stringContaining("without a budget")]);
});

test("ships that are added to a voyage that is verified are warned of, and those of one that sails are not", () => {
  const ships = [{ ship: "ship-0", task: null }];
  expect(sailingWarnings(sailing(), status("verified", ships))).toEqual([
    expect.stringMatching(/voyage sea is verified: no task is left for the 1 ship .*ocaptain:ships 1 -s sea/s),
  ]);
  expect(sailingWarnings(sailing(), status("sailing", ships))).toEqual([]);
  expect(sailingWarnings(sailing({ ships: 1 }), status("verified", ships))).toEqual([]);
});

test("fewer ships name the tasks that they stop, and only those", () => {
  const ships = [
    { ship: "ship-0", task: "1" },
    { ship: "ship-1", task: null },
    { ship: "ship-2", task: "2" },
  ];
  expect(stoppedByScale({ ships: 3, withoutShips: [] }, status("sailing", ships))).toBeNull();
  expect(stoppedByScale({ ships: 2, withoutShips: [] }, status("sailing", ships))).toMatch(/:\n {2}ship-2: task 2 \(Dig\)$/);
  expect(stoppedByScale({ ships: 1, withoutShips: [] }, status("sailing", ships))).not.toMatch(/ship-[01]/);
  const others = stoppedByScale({ ships: 2, withoutShips: [0] }, status("sailing", ships));
  expect(others).toMatch(/ship-0: task 1 /);
  expect(others).not.toMatch(/ship-2/);
});

test("the outputs' summary: the state, the tasks, the ships, and what was spent where anything was", () => {
  const record: VoyageRecord = {
    state: "sailing",
    tip: "t",
    tasks: { total: 6, pending: 1, claimed: 1, accepted: 2, blocked: 1, cancelled: 1, byShip: {} },
    ships: {
      "ship-0": { state: "working", task: "1" },
      "ship-1": { state: "asleep", task: null },
      "ship-2": { state: "asleep", task: null },
    },
    spend: null,
    asOf: "now",
  };
  const text = "sailing: 2 of 5 tasks accepted, 1 claimed, 1 pending, 1 blocked; 3 ships, 2 asleep, 1 working";
  expect(summaryOf(record)).toBe(text);
  const spend = { costUsd: 1.5, budgetUsd: 10 } as VoyageRecord["spend"];
  expect(summaryOf({ ...record, spend })).toBe(`${text}; $1.50 spent of $10.00`);
});
