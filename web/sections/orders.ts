import { confirmFirst } from "../parts/dialog.tsx";
import { act } from "../state/actions.ts";
import { head, tasks } from "../state/store.ts";

// The orders that take something away. Each says what it will do before it does it.

export function releaseTask(task: string, ship = tasks.row(task)?.peek().ship ?? undefined): void {
  const subject = tasks.row(task)?.peek().subject;
  confirmFirst({
    title: `Release task ${task}?`,
    effects: [
      ...(subject ? [`The task is “${subject}”.`] : []),
      `It is taken from ${ship ?? "its ship"}, is pending again, and the next ship that is free begins it anew.`,
      "What was done for it and not delivered is not merged; it is kept as a git ref.",
      `${ship ?? "The ship"} is fenced, and works again only after: ${head.peek()?.upCommand ?? "pulumi up"}`,
    ],
    verb: `Release task ${task}`,
    run: () => void act({ action: "release", task }),
  });
}

export function sinkVoyage(): void {
  const voyage = head.peek();
  if (!voyage) return;
  const open = tasks.all().filter(({ status }) => status !== "accepted" && status !== "cancelled").length;
  confirmFirst({
    title: `Sink ${voyage.stack}?`,
    effects: [
      "Every ship's work is brought home, and then all its ships are deleted.",
      open > 0
        ? `${open === 1 ? "One task is" : `${open} tasks are`} not done. They stay undone; what ships had begun is kept as git refs.`
        : "All of its tasks are done.",
      `The folder of the voyage stays: ${voyage.workspace}`,
    ],
    verb: `Sink ${voyage.stack}`,
    run: () => void act({ action: "sink" }),
  });
}
