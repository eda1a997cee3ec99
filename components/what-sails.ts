import { resolve } from "node:path";
import { counted } from "../lib/base/counted.ts";
import { fleetNumbers, shipName, shipNumber } from "../lib/base/naming.ts";
import { plain, plainLines, usd } from "../lib/base/text.ts";
import { criticalPath } from "../lib/plan/critical-path.ts";
import { estimatesOf, timed } from "../lib/plan/estimates.ts";
import { DEFAULT_MODEL, type Plan } from "../lib/plan/types.ts";
import { graphWidth } from "../lib/plan/width.ts";
import { worthwhile } from "../lib/plan/worthwhile.ts";
import type { HandKind, Mesh, ProviderKind } from "../lib/protocol/choices.ts";
import type { VoyageStatus } from "../lib/protocol/status.ts";

/** The voyage as the program is about to register it. */
export type Sailing = {
  stack: string;
  plan: Plan;
  /** The plan's folder as it was named; "" for an empty sail. */
  folder: string;
  ships: number;
  /** The numbers that no ship of the fleet has. */
  withoutShips: readonly number[];
  /** The commit from which tasks start: the source's, or the branch's of a voyage that goes on; absent without one. */
  commit?: string | undefined;
  provider: ProviderKind;
  unconfined: boolean;
  mesh: Mesh;
  hand: HandKind;
  budgetUsd?: number | undefined;
};

/** The most tasks of a chain that are named. */
const NAMED = 8;

/**
 * Describes what sails, for the head of a preview or of an `up` without one: all that a captain would ask before.
 * `status` is the helm's, of a voyage that is at sea.
 */
export function whatSails(sailing: Sailing, status: VoyageStatus | null = null): string {
  const { stack, plan, folder, ships, commit, provider, unconfined, hand } = sailing;
  const where = provider === "harbor" ? `the harbor, ${unconfined ? "not confined" : "confined"}` : "sprites.dev";
  const rows: [string, string][] = [
    ["plan", plan.orders ? "none: Claude Code waits for your orders" : `${plan.name} (${folder}): ${shape(plan)}`],
    [
      "repository",
      plan.repo ? `${asMeant(plan.repo)}${commit ? ` at ${commit.slice(0, 8)}` : ""}` : "none: it begins with nothing",
    ],
    ["ships", `${ships}${named(sailing)}, at ${where}${worth(sailing)}`],
    ["hand", hand === "claude" ? `claude, model ${models(plan)}` : `${hand}: no model, it costs nothing`],
    ["budget", budget(sailing, status)],
    ["network", network(sailing)],
    [
      "verify.sh",
      plan.verify === null ? "none: nothing proves the result as a whole" : "proves the result when all tasks are done",
    ],
  ];
  const lines = rows.map(([name, text]) => `  ${name.padEnd(12)}${plain(text, { most: 500 })}`);
  return [`What sails as voyage ${stack}:`, ...lines].join("\n");
}

/**
 * Warns of what a captain may not have meant. `status` is the helm's, of a voyage that is at sea; null without one.
 */
export function sailingWarnings({ stack, plan, ships, hand, budgetUsd }: Sailing, status: VoyageStatus | null): string[] {
  const warnings: string[] = [];
  const width = graphWidth(plan.tasks);
  if (ships > width && width > 0)
    warnings.push(
      `${counted(ships, "ship")} for a plan of width ${width}: never more than ${counted(width, "task")} can be done at a time, and the other ships would only wait\n  hint: pulumi config set ocaptain:ships ${shipsWorthwhile(plan)} -s ${stack}`,
    );
  const word = wordOf({ hand, budgetUsd }, status);
  if (word && !word.holds)
    warnings.push(
      `the budget becomes what is configured now, ${configured(budgetUsd)}: your word of ${usd(word.usd)} at the helm ends with this up\n  hint: pulumi config set ocaptain:budgetUsd ${word.usd} -s ${stack}  # to keep it`,
    );
  if (hand === "claude" && budgetUsd === undefined && !word?.holds && !taskBudgets(plan))
    warnings.push(
      `the hand claude sails without a budget: nothing bounds what it spends\n  hint: pulumi config set ocaptain:budgetUsd 50 -s ${stack}`,
    );
  const more = status ? ships - status.ships.length : 0;
  if (status && more > 0 && (status.state === "verified" || status.state === "done"))
    warnings.push(
      `voyage ${stack} is ${status.state}: no task is left for the ${counted(more, "ship")} that would be added\n  hint: add tasks to the plan first; or: pulumi config set ocaptain:ships ${status.ships.length} -s ${stack}`,
    );
  return warnings;
}

/**
 * Tells, by name, which tasks a smaller number of ships stops; null when none is at work on the ships that go.
 */
export function stoppedByScale(
  { ships, withoutShips }: Pick<Sailing, "ships" | "withoutShips">,
  status: VoyageStatus,
): string | null {
  const subjects = new Map(status.tasks.map((task) => [task.id, task.subject]));
  const staying = fleetNumbers(ships, withoutShips);
  const leaving = status.ships.filter(({ ship, task }) => {
    const number = shipNumber(ship);
    return task !== null && number !== undefined && !staying.includes(number);
  });
  if (leaving.length === 0) return null;
  const lines = leaving.map(({ ship, task }) => `  ${ship}: task ${task} (${subjects.get(task ?? "") ?? ""})`);
  const head = `fewer ships stop tasks at work, which are given back and begun anew on another ship:`;
  return plainLines([head, ...lines].join("\n"));
}

/** The fleet's ships by name, where they are not just the first numbers. */
function named({ ships, withoutShips }: Sailing): string {
  const numbers = fleetNumbers(ships, withoutShips);
  return numbers.at(-1) === ships - 1 ? "" : ` (${numbers.map(shipName).join(", ")})`;
}

/**
 * Writes a repository for a person. A path that is relative to the project means nothing in the folder of a captain who
 * sails from elsewhere, so it is shown whole; it goes to the terminal only, and not into the state.
 */
const asMeant = (repo: string): string => (/^\.\.?(\/|$)/.test(repo) ? resolve(repo) : repo);

/** The number of ships that the plan is worth, where another one sails. */
function worth({ plan, ships }: Sailing): string {
  const recommended = plan.orders ? ships : shipsWorthwhile(plan);
  return recommended === ships ? "" : `; by a simulation the plan is worth ${recommended}`;
}

const shipsWorthwhile = ({ tasks }: Plan): number => worthwhile(timed(tasks, estimatesOf(tasks))).ships;

function shape({ tasks }: Plan): string {
  const { lengths } = estimatesOf(tasks);
  const path = criticalPath(tasks, (id) => lengths.get(id)!);
  const named = path.length > NAMED ? [...path.slice(0, NAMED - 1), "…", path.at(-1)] : path;
  return `${counted(tasks.length, "task")}, width ${graphWidth(tasks)}, critical path ${path.length} (${named.join(" → ")})`;
}

/** The models that the plan's tasks are done by, the plan's own first. */
function models({ claude, tasks }: Plan): string {
  const own = claude?.model ?? DEFAULT_MODEL;
  const others = tasks.flatMap(({ metadata }) => modelOf(metadata.claude) ?? []);
  return [...new Set([own, ...others])].join(", ");
}

const modelOf = (settings: unknown) =>
  typeof settings === "object" && settings !== null && "model" in settings ? String(settings.model) : undefined;

function budget({ hand, budgetUsd, plan }: Sailing, status: VoyageStatus | null): string {
  const word = wordOf({ hand, budgetUsd }, status);
  if (word?.holds) return `${usd(word.usd)}, by your word at the helm; configured: ${configured(budgetUsd)}`;
  if (budgetUsd !== undefined) return usd(budgetUsd);
  if (hand !== "claude") return "none, and none is needed";
  return taskBudgets(plan) ? "none of the voyage; each task has its own" : "none";
}

/** Whether every task's spending is bounded, by the task's own settings or by the plan's. */
const taskBudgets = ({ claude, tasks }: Plan): boolean =>
  claude?.budgetUsd !== undefined ||
  tasks.every(({ metadata }) => typeof (metadata.claude as { budgetUsd?: unknown } | undefined)?.budgetUsd === "number");

const configured = (budgetUsd: number | undefined) => (budgetUsd === undefined ? "none" : usd(budgetUsd));

/**
 * The captain's word for the budget (`ocaptain budget`), and whether it goes on to hold with what is configured now;
 * null where none holds.
 */
function wordOf({ hand, budgetUsd }: Pick<Sailing, "hand" | "budgetUsd">, status: VoyageStatus | null) {
  if (hand !== "claude" || !status || status.spend?.configuredUsd === undefined || status.spend.budgetUsd === null) return null;
  return { usd: status.spend.budgetUsd, holds: status.spend.configuredUsd === (budgetUsd ?? null) };
}

function network({ plan, mesh }: Sailing): string {
  const reach = plan.network ? plan.network.allow.join(", ") || "nothing" : "everything";
  return `ships reach ${reach}${mesh === "tailscale" ? ", and the captain over the tailnet" : ""}`;
}
