import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { gitLine } from "../../lib/git/run.ts";
import type { TaskRow } from "../../lib/protocol/status.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { pasteable } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

/**
 * `ocaptain retry <task|verify|limit> [voyage]` makes a blocked task pending again, with all its tries; or has a
 * verify.sh run again that failed; or has tasks given out again, whatever limit ships report.
 */
export async function retry(id: string, name: string | undefined, io: Io): Promise<void> {
  if (id === "verify") return retryVerification(name, io);
  if (id === "limit") return retryLimit(name, io);
  const { voyage, task } = await find(id, name, "blocked");
  const row = await helmClient().retryTask(voyage.file.voyageId, task.id);
  tell(io, voyage, row, nowIs(row));
}

async function retryVerification(name: string | undefined, io: Io): Promise<void> {
  const { file } = await chooseVoyage(name);
  const { state } = await helmClient().voyage(file.voyageId);
  if (state !== "failed")
    throw new OcaptainError("VERIFY_STATUS", `voyage "${file.stack}" is ${state}; only a failed verify.sh can be run again`, {
      hint: `ocaptain status ${file.stack}`,
    });
  const after = await helmClient().retryVerification(file.voyageId);
  const text = "verify.sh is run again, by the next ship that is free";
  io.out(io.json ? plainJson({ voyage: file.stack, state: after.state }, 2) : text);
}

async function retryLimit(name: string | undefined, io: Io): Promise<void> {
  const { file } = await chooseVoyage(name);
  const { lifted } = await helmClient().liftLimits(file.voyageId);
  if (lifted.length === 0)
    throw new OcaptainError("NO_LIMIT", `no usage limit holds voyage "${file.stack}"`, { hint: `ocaptain status ${file.stack}` });
  const text = `tasks are given out again (${lifted.join(", ")} had told of a limit); a ship that still meets it says so again`;
  io.out(io.json ? plainJson({ voyage: file.stack, lifted }, 2) : text);
}

/** `ocaptain release <task> [voyage] [--reason text]` takes a claimed task away from its ship, which is fenced. */
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
      `${task.ship} is fenced; it comes back as new by: ${pasteable(`pulumi up -s ${voyage.file.stack}`)}`,
    ].join("\n"),
  );
}

/** Says what became of a task that was set free: a ship may have it already. */
export const nowIs = ({ id, status, ship }: TaskRow): string =>
  status === "pending"
    ? `task ${id} is pending again; a ship takes it by itself`
    : `task ${id} is ${status}${ship ? ` by ${ship}` : ""} now`;

/** @throws OcaptainError HELM_DOWN, NO_VOYAGE, NO_TASK, TASK_STATUS when the task is not `status` */
async function find(text: string, name: string | undefined, status: TaskRow["status"]) {
  const id = text.replace(/^#/, "");
  const voyage = await chooseVoyage(name);
  const task = await taskOf(voyage.file.stack, voyage.file.voyageId, id);
  if (task.status !== status)
    throw new OcaptainError(
      "TASK_STATUS",
      `task ${id} is ${task.status}; only a ${status} one can be ${status === "blocked" ? "retried" : "released"}`,
      { hint: `ocaptain tasks ${voyage.file.stack}` },
    );
  return { voyage, task };
}

/**
 * Asks the helm for one task, not for the voyage: what is wrong with another task must not keep the captain from
 * steering.
 * @throws OcaptainError NO_TASK
 */
export const taskOf = (stack: string, voyageId: string, id: string): Promise<TaskRow> =>
  helmClient()
    .task(voyageId, id)
    .catch((error: unknown) => {
      if (!(error instanceof OcaptainError) || error.code !== "NO_TASK") throw error;
      throw new OcaptainError("NO_TASK", `voyage "${stack}" has no task "${id}"`, { hint: `ocaptain tasks ${stack}` });
    });

function tell(io: Io, { file }: KnownVoyage, task: TaskRow, text: string): void {
  io.out(io.json ? plainJson({ voyage: file.stack, task }, 2) : text);
}
