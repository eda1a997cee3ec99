import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { VoyageFolder } from "./paths.ts";
import { TaskStatus } from "./voyage-status.ts";

/** What the synced task files alone say, without a helm. `completed` are accepted tasks; cancelled ones are counted apart. */
export type TaskCounts = {
  total: number;
  pending: number;
  inProgress: number;
  completed: number;
  blocked: number;
  cancelled: number;
  byShip: Record<string, { completed: number; task: string | null }>;
};

const STATUS = { pending: "pending", in_progress: "claimed", completed: "accepted" } as const;
/** The key on file is the file's name (facts: claude-code §1.3). Files that anything else wrote have no `metadata.ocaptain`: Claude Code's status counts. */
const TaskFile = z.object({
  status: z.enum(["pending", "in_progress", "completed"]),
  owner: z.string().optional(),
  metadata: z.object({ ocaptain: z.object({ status: TaskStatus }).optional() }).optional(),
});

/** Counts the task files of a voyage. A file that cannot be understood is left out, as Claude Code leaves it out; no folder is no task. */
export async function readVoyageStatus(folder: VoyageFolder): Promise<TaskCounts> {
  const names = await readdir(folder.tasks).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const counts: TaskCounts = { total: 0, pending: 0, inProgress: 0, completed: 0, blocked: 0, cancelled: 0, byShip: {} };
  const files = names.filter((name) => /^\d+\.json$/.test(name)).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const texts = await Promise.all(files.map((name) => readFile(join(folder.tasks, name), "utf8").catch(() => "")));
  for (const [index, text] of texts.entries()) {
    const file = parse(text);
    if (file) count(counts, files[index]!.slice(0, -".json".length), file);
  }
  return counts;
}

const COUNTED = {
  pending: "pending",
  claimed: "inProgress",
  accepted: "completed",
  blocked: "blocked",
  cancelled: "cancelled",
} as const;

function count(counts: TaskCounts, id: string, file: z.infer<typeof TaskFile>): void {
  const status = file.metadata?.ocaptain?.status ?? STATUS[file.status];
  counts.total++;
  counts[COUNTED[status]]++;
  if (!file.owner || (status !== "claimed" && status !== "accepted")) return;
  counts.byShip[file.owner] ??= { completed: 0, task: null };
  const ship = counts.byShip[file.owner]!;
  if (status === "accepted") ship.completed++;
  else ship.task = id;
}

function parse(text: string): z.infer<typeof TaskFile> | undefined {
  try {
    return TaskFile.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
