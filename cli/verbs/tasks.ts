import { OcaptainError } from "../../lib/base/errors.ts";
import { firstLine, plainJson } from "../../lib/base/text.ts";
import { type TaskRow, TaskStatus } from "../../lib/protocol/status.ts";
import { collectTasks } from "../../lib/watch/collect.ts";
import { span } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { spendCell } from "../output/spend.ts";
import { type Cell, table } from "../output/table.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

/** The words of Claude Code, which the prior art used, and ours for them. */
const ALIASES: Record<string, TaskStatus> = { in_progress: "claimed", completed: "accepted", done: "accepted" };
/** How many files are named in a row. */
const MOST_FILES = 3;
const COLOURS = { pending: "dim", claimed: "cyan", accepted: "green", blocked: "red", cancelled: "dim" } as const;

/** `ocaptain tasks [voyage] [-s status]` shows a row a task. */
export async function tasks(name: string | undefined, options: { status?: string }, io: Io): Promise<void> {
  const wanted = options.status === undefined ? undefined : readStatus(options.status);
  const voyage = await chooseVoyage(name);
  const seen = await collectTasks(voyage);
  const open = new Set(seen.tasks.filter((task) => !["accepted", "cancelled"].includes(task.status)).map((task) => task.id));
  const rows = seen.tasks
    .filter((task) => wanted === undefined || task.status === wanted)
    .map((task) => ({ ...task, waitsFor: task.blockedBy.filter((id) => open.has(id)) }));
  if (io.json) return io.out(plainJson({ voyage: voyage.file.stack, from: seen.from, tasks: rows }, 2));
  if (seen.from === "files") io.note("from the task files: the helm does not have this voyage now");
  const now = Date.now();
  const cells = rows.map((task): Cell[] => [
    { text: task.id },
    { text: task.status, paint: (text) => io.style(COLOURS[task.status], text) },
    { text: task.ship ?? "" },
    { text: task.status === "claimed" ? span(task.changedAt, now) : "" },
    { text: task.waitsFor.join(" ") },
    { text: task.tries > 0 ? String(task.tries) : "" },
    { text: spendCell(task.usage, task.budgetUsd) },
    { text: task.commit?.slice(0, 8) ?? "" },
    { text: firstLine(task.source ?? "") },
    { text: [firstLine(task.subject), ...remarks(task).map((remark) => `(${remark})`)].join("  ") },
  ]);
  if (cells.length === 0) return io.note(wanted ? `no task is ${wanted}` : "the voyage has no task");
  io.out(
    table(
      ["TASK", "STATUS", "SHIP", "FOR", "WAITS FOR", "TRIES", "SPEND", "COMMIT", "SOURCE", "SUBJECT"],
      cells,
      io.columns,
    ).join("\n"),
  );
}

/** What else is to be said of a task: why it is not done, or what it has changed that nobody expected it to. */
function remarks({ status, reason, outside }: TaskRow): string[] {
  if (status !== "accepted") return reason ? [firstLine(reason)] : [];
  if (!outside) return [];
  const shown = outside.files.slice(0, MOST_FILES);
  const more = outside.count - shown.length;
  return [firstLine(`outside its touches: ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`)];
}

function readStatus(text: string): TaskStatus {
  const status = TaskStatus.safeParse(ALIASES[text] ?? text).data;
  if (status) return status;
  throw new OcaptainError("USAGE", `"${text}" is not a status of a task: ${TaskStatus.options.join(", ")}`, {
    hint: "ocaptain tasks -s blocked",
  });
}
