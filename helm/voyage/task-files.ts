import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Usage } from "../../lib/protocol/ship-reports.ts";
import type { Outside, TaskStatus } from "../../lib/protocol/status.ts";
import { outsideOf } from "../ledger/deliveries.ts";
import { type Ledger, parseTask, type TaskRecord } from "../ledger/ledger.ts";
import { usageOf } from "../ledger/spend.ts";
import type { Log } from "../log.ts";

/**
 * The ledger as task files in Claude Code's format, for people and agents to read. Nothing is decided by them.
 *
 * | ledger | status in the file | shown by |
 * |---|---|---|
 * | pending | pending | |
 * | claimed | in_progress, owner = ship | |
 * | accepted | completed, owner = ship | |
 * | blocked | pending | subject `[blocked] …`: Claude Code hides files whose status it does not know |
 * | cancelled | completed | subject `[cancelled] …`; completed, so that tasks which waited for it are shown as free |
 *
 * What the ledger itself says is under `metadata.ocaptain`.
 */
const STATUS: Record<TaskStatus, "pending" | "in_progress" | "completed"> = {
  pending: "pending",
  claimed: "in_progress",
  accepted: "completed",
  blocked: "pending",
  cancelled: "completed",
};

/** What stands in a task's file beside the task's own row. */
type Beside = { usage: Usage | undefined; addedAt: string | undefined; outside: Outside | undefined };

/** The text of a task's file. */
function taskFile(row: TaskRecord, { usage, addedAt, outside }: Beside): string {
  const task = parseTask(row.body);
  const mark = row.status === "blocked" || row.status === "cancelled" ? `[${row.status}] ` : "";
  const file = {
    id: task.id,
    subject: mark + task.subject,
    description: task.description,
    ...(task.activeForm === undefined ? {} : { activeForm: task.activeForm }),
    ...(row.ship === null ? {} : { owner: row.ship }),
    status: STATUS[row.status],
    blocks: task.blocks,
    blockedBy: task.blockedBy,
    metadata: {
      ...task.metadata,
      ocaptain: {
        status: row.status,
        epoch: row.epoch,
        ship: row.ship,
        commit: row.commit_id,
        reason: row.reason,
        tries: row.tries,
        changedAt: row.changed_at,
        ...(usage && { usage }),
        ...(addedAt !== undefined && { addedAt }),
        ...(outside && { outside }),
      },
    },
  };
  return JSON.stringify(file, null, 2);
}

/**
 * The folder of task files, which follows the ledger. A write that failed is logged and tried again with the next one;
 * it never hinders the ledger.
 */
export class TaskFiles {
  readonly #folder: string;
  readonly #ledger: Ledger;
  readonly #log: Log;
  #folderMade = false;
  readonly #stale = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string, ledger: Ledger, log: Log) {
    this.#folder = folder;
    this.#ledger = ledger;
    this.#log = log;
  }

  /** Brings the files of these tasks up to date; resolves when they are. */
  show(...ids: string[]): Promise<void> {
    for (const id of ids) this.#stale.add(id);
    this.#writing = this.#writing.then(() => this.#flush());
    return this.#writing;
  }

  /** Writes every file anew and removes what is no task of the ledger: after a start, and after a changed plan. */
  async rebuild(): Promise<void> {
    const rows = this.#ledger.tasks();
    await this.show(...rows.map((row) => row.id));
    const known = new Set(rows.map((row) => `${row.id}.json`));
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if ((name.endsWith(".json") || name.includes(".tmp.")) && !known.has(name))
        await rm(join(this.#folder, name), { force: true });
    }
  }

  async #flush(): Promise<void> {
    try {
      if (!this.#folderMade) await mkdir(this.#folder, { recursive: true });
      this.#folderMade = true;
      for (const id of [...this.#stale]) {
        this.#stale.delete(id);
        const row = this.#ledger.task(id);
        if (!row) continue;
        const text = taskFile(row, {
          usage: usageOf(this.#ledger, id),
          addedAt: this.#ledger.addedAt(id),
          outside: outsideOf(this.#ledger, row),
        });
        await this.#write(id, text).catch((error) => this.#failed(id, error));
      }
    } catch (error) {
      this.#log("task-files-not-written", { error: String(error) });
    }
  }

  #failed(id: string, error: unknown): void {
    this.#stale.add(id);
    this.#folderMade = false;
    this.#log("task-files-not-written", { task: id, error: String(error) });
    throw error;
  }

  async #write(id: string, text: string): Promise<void> {
    // Mutagen's syncs ignore temporary names of this form.
    const temporary = join(this.#folder, `${id}.json.tmp.${randomBytes(4).toString("hex")}`);
    try {
      await writeFile(temporary, text);
      await rename(temporary, join(this.#folder, `${id}.json`));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}
