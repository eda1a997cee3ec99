import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../lib/errors.ts";
import { helmClient } from "../lib/helm-client.ts";
import type { TaskRow, VoyageStatus } from "../lib/voyage-status.ts";
import type { ResourceStep } from "./pulumi.ts";
import type { Terminal } from "./terminal.ts";

const DONE: Record<string, string> = {
  create: "made",
  update: "mended",
  delete: "gone",
  "create-replacement": "made anew",
  "delete-replaced": "gone",
};

/** Prints each resource as it is done, and counts those under way. */
export function showSteps(terminal: Terminal): (step: ResourceStep) => void {
  const underWay = new Map<string, number>();
  return (step) => {
    const key = `${step.type} ${step.name}`;
    if (step.phase === "started") underWay.set(key, performance.now());
    else {
      const seconds = ((performance.now() - (underWay.get(key) ?? performance.now())) / 1000).toFixed(1);
      underWay.delete(key);
      const mark = step.phase === "failed" ? terminal.style("red", "✗") : terminal.style("green", "✓");
      const did = step.phase === "failed" ? "failed" : (DONE[step.op] ?? step.op);
      if (step.op !== "read" && step.op !== "refresh")
        terminal.line(`${mark} ${step.type.padEnd(11)} ${step.name.padEnd(18)} ${did} (${seconds} s)`);
    }
    terminal.status(underWay.size > 0 ? `  … ${[...underWay.keys()].join(", ")}` : "");
  };
}

/** Prints each change of a task with its ship, until `until` holds. @throws OcaptainError STALLED when nothing moves for `quietSeconds`. */
export async function showTasks(
  terminal: Terminal,
  voyageId: string,
  until: (status: VoyageStatus) => boolean,
  options: { seen: Map<string, string>; signal: AbortSignal; quietSeconds: number },
): Promise<VoyageStatus> {
  let movedAt = Date.now();
  for (;;) {
    options.signal.throwIfAborted();
    const status = await helmClient().voyage(voyageId);
    for (const task of status.tasks) {
      const now = `${task.status} ${task.epoch}`;
      if (options.seen.get(task.id) === now) continue;
      const news = describe(terminal, task, status.tasks);
      if (options.seen.has(task.id) || task.status !== "pending") terminal.line(news);
      options.seen.set(task.id, now);
      movedAt = Date.now();
    }
    terminal.status(summary(status));
    if (until(status)) {
      terminal.status("");
      return status;
    }
    if (Date.now() - movedAt > options.quietSeconds * 1000)
      throw new OcaptainError("STALLED", `nothing has moved for ${options.quietSeconds} s: ${summary(status)}`, {
        hint: "look at the ships' logs in the voyage's folder",
      });
    await sleep(150);
  }
}

function describe(terminal: Terminal, task: TaskRow, all: TaskRow[]): string {
  const done = all.filter((row) => row.status === "accepted").length;
  const what = `#${task.id.padStart(2)} ${task.subject}`;
  if (task.status === "claimed") return `${terminal.style("cyan", "▸")} ${(task.ship ?? "").padEnd(7)} ${what}`;
  if (task.status === "accepted")
    return `${terminal.style("green", "✓")} ${(task.ship ?? "").padEnd(7)} ${what}  ${terminal.style("dim", `${task.commit?.slice(0, 8)} · ${done}/${all.length}`)}`;
  const mark = task.status === "blocked" ? terminal.style("red", "✗") : terminal.style("yellow", "↺");
  return `${mark} ${"".padEnd(7)} ${what}  ${terminal.style("dim", task.reason ?? task.status)}`;
}

function summary(status: VoyageStatus): string {
  const done = status.tasks.filter((task) => task.status === "accepted").length;
  const ships = status.ships.map((ship) => `${ship.ship} ${ship.task ? `#${ship.task}` : ship.state}`).join(" · ");
  return `  ${status.state} ${done}/${status.tasks.length} · ${ships}`;
}
