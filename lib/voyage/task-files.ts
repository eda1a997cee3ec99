import { readFileSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { VoyageFolder } from "../base/paths.ts";
import { basisOf, COUNTS, type Counts, Usage } from "../protocol/ship-reports.ts";
import { Outside, type Spend, type TaskRow, TaskStatus } from "../protocol/status.ts";

/** How many tasks have each status ({@link TaskStatus}), which the synced task files alone say, without a helm. */
export type TaskCounts = {
  total: number;
  pending: number;
  claimed: number;
  accepted: number;
  blocked: number;
  cancelled: number;
  byShip: Record<string, { accepted: number; task: string | null }>;
};

const STATUS = { pending: "pending", in_progress: "claimed", completed: "accepted" } as const;
/**
 * What the helm writes of its own into a task file (helm/voyage/task-files.ts). In a file that something else has
 * written it is missing, and Claude Code's status counts.
 */
const Projected = z.object({
  status: TaskStatus,
  epoch: z.number().default(0),
  ship: z.string().nullable().default(null),
  commit: z.string().nullable().default(null),
  reason: z.string().nullable().default(null),
  tries: z.number().default(0),
  changedAt: z.string().optional(),
  usage: Usage.optional().catch(undefined),
  addedAt: z.string().optional().catch(undefined),
  outside: Outside.optional().catch(undefined),
});
/** The parts of a task file of Claude Code that are read here. The task's id is the name of the file. */
const TaskFile = z.object({
  subject: z.string().default(""),
  status: z.enum(["pending", "in_progress", "completed"]),
  owner: z.string().optional(),
  blockedBy: z.array(z.string()).default([]),
  metadata: z.object({ ocaptain: Projected.optional(), source: z.string().optional().catch(undefined) }).optional(),
});

/**
 * Reads the tasks of a voyage from its task files, in the order of their ids. `incarnation` is null, as the files do
 * not say it. A file that cannot be understood is left out, as Claude Code does too. Without the folder there are no
 * tasks.
 */
export async function readTaskRows(folder: VoyageFolder): Promise<TaskRow[]> {
  const names = await readdir(folder.tasks).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const files = names.filter((name) => /^\d+\.json$/.test(name)).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  // The files are read one after the other and synchronously: for 1,000 small files promises would cost ten times what
  // the reading does.
  return files.map((name) => readTaskRow(join(folder.tasks, name), name.slice(0, -".json".length))).filter((row) => row !== null);
}

/** Adds the former names of `claimed` and `accepted` to the counts, for scripts that read the JSON by those. */
export const withFormerNames = (tasks: TaskCounts) => ({
  ...tasks,
  inProgress: tasks.claimed,
  completed: tasks.accepted,
  byShip: Object.fromEntries(Object.entries(tasks.byShip).map(([ship, row]) => [ship, { ...row, completed: row.accepted }])),
});

/** Counts the tasks of each status, and for each ship its accepted tasks, with the id of the one that it holds. */
export function countTasks(rows: readonly TaskRow[]): TaskCounts {
  const counts: TaskCounts = { total: 0, pending: 0, claimed: 0, accepted: 0, blocked: 0, cancelled: 0, byShip: {} };
  for (const { id, status, ship: name } of rows) {
    counts.total++;
    counts[status]++;
    if (!name || (status !== "claimed" && status !== "accepted")) continue;
    counts.byShip[name] ??= { accepted: 0, task: null };
    const ship = counts.byShip[name]!;
    if (status === "accepted") ship.accepted++;
    else ship.task = id;
  }
  return counts;
}

/**
 * Sums up what the tasks have used, as their files say it. The trials of ships, the share of each ship, and a run that
 * goes on are not in them. Returns null when no file tells of a run.
 */
export function spendOfTasks(rows: readonly TaskRow[]): Spend | null {
  const told = rows.flatMap((row) => row.usage ?? []);
  if (told.length === 0) return null;
  const sum = (key: keyof Counts) => told.reduce((all, usage) => all + usage[key], 0);
  const basis = basisOf(told.map((usage) => usage.basis));
  return {
    ...(Object.fromEntries(COUNTS.map((key) => [key, sum(key)])) as Counts),
    ...(basis && { basis }),
    budgetUsd: null,
    byShip: null,
  };
}

const SUBJECT_MARK = /^\[(blocked|cancelled)\] /;

function readTaskRow(path: string, id: string): TaskRow | null {
  const file = read(path);
  if (!file) return null;
  const ours = file.metadata?.ocaptain;
  const changedAt = ours?.changedAt ?? statSync(path, { throwIfNoEntry: false })?.mtime.toISOString();
  if (!changedAt) return null;
  return {
    id,
    subject: ours ? file.subject.replace(SUBJECT_MARK, "") : file.subject,
    status: ours?.status ?? STATUS[file.status],
    blockedBy: file.blockedBy,
    ship: file.owner ?? null,
    incarnation: null,
    epoch: ours?.epoch ?? 0,
    tries: ours?.tries ?? 0,
    commit: ours?.commit ?? null,
    reason: ours?.reason ?? null,
    changedAt,
    ...(ours?.usage && { usage: ours.usage }),
    ...(file.metadata?.source !== undefined && { source: file.metadata.source }),
    ...(ours?.addedAt !== undefined && { addedAt: ours.addedAt }),
    ...(ours?.outside && { outside: ours.outside }),
  };
}

function read(path: string): z.infer<typeof TaskFile> | undefined {
  try {
    return TaskFile.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined; // The file is gone meanwhile, or is no JSON.
  }
}
