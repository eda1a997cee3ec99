import type { Terminal } from "../output/terminal.ts";
import type { ResourceStep } from "./run.ts";

const DONE: Record<string, string> = {
  create: "made",
  update: "updated",
  delete: "gone",
  "create-replacement": "made anew",
  "delete-replaced": "gone",
};

/** Prints each resource as it is done, and counts those under way. */
export function showSteps(terminal: Pick<Terminal, "line" | "status" | "style">): (step: ResourceStep) => void {
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
