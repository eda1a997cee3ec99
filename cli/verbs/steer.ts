import { OcaptainError } from "../../lib/errors.ts";
import { gitLine } from "../../lib/git/run.ts";
import { helmClient } from "../../lib/helm-client.ts";
import { plainJson } from "../../lib/plain-text.ts";
import type { TaskRow, VoyageStatus } from "../../lib/voyage-status.ts";
import { chooseVoyage, type KnownVoyage } from "../choose-voyage.ts";
import type { Io } from "../io.ts";

/** `ocaptain retry <task> [voyage]`: a blocked task is pending again, with all its tries. */
export async function retry(id: string, name: string | undefined, io: Io): Promise<void> {
  const { voyage, task } = await find(id, name, "blocked");
  const row = await helmClient().retryTask(voyage.file.voyageId, task.id);
  tell(io, voyage, row, nowIs(row));
}

/** `ocaptain release <task> [voyage] [--reason text]`: takes a claimed task away from its ship, which is fenced. */
export async function release(id: string, name: string | undefined, options: { reason?: string }, io: Io): Promise<void> {
  const { voyage, task } = await find(id, name, "claimed");
  const row = await helmClient().releaseTask(voyage.file.voyageId, task.id, options.reason ?? "the captain released it");
  const ref = `refs/lost/${task.id}/${task.epoch}`;
  const kept = await gitLine(["for-each-ref", "--format=%(refname)", ref], { gitDir: voyage.folder.repo });
  tell(
    io,
    voyage,
    row,
    [
      nowIs(row),
      ...(kept ? [`what ${task.ship} had not delivered of it is kept: ${ref}`] : []),
      `${task.ship} is fenced; it comes back as new by: pulumi up -s ${voyage.file.stack}`,
    ].join("\n"),
  );
}

/** A task that was set free: a ship may have it before this is said. */
export const nowIs = ({ id, status, ship }: TaskRow): string =>
  status === "pending"
    ? `task ${id} is pending again; a ship takes it by itself`
    : `task ${id} is ${status}${ship ? ` by ${ship}` : ""} now`;

/** @throws OcaptainError HELM_DOWN, NO_VOYAGE, NO_TASK, TASK_STATUS when the task is not `status` */
async function find(text: string, name: string | undefined, status: TaskRow["status"]) {
  const id = text.replace(/^#/, "");
  const voyage = await chooseVoyage(name);
  const seen: VoyageStatus = await helmClient().voyage(voyage.file.voyageId);
  const task = seen.tasks.find((row) => row.id === id);
  const hint = `ocaptain tasks ${voyage.file.stack}`;
  if (!task) throw new OcaptainError("NO_TASK", `voyage "${voyage.file.stack}" has no task "${id}"`, { hint });
  if (task.status !== status)
    throw new OcaptainError(
      "TASK_STATUS",
      `task ${id} is ${task.status}; only a ${status} one can be ${status === "blocked" ? "retried" : "released"}`,
      {
        hint,
      },
    );
  return { voyage, task };
}

function tell(io: Io, { file }: KnownVoyage, task: TaskRow, text: string): void {
  io.out(io.json ? plainJson({ voyage: file.stack, task }, 2) : text);
}
