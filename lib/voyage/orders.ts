import { OcaptainError } from "../base/errors.ts";
import type { HelmClient } from "../daemons/helm-client.ts";
import type { TaskRow, VoyageStatus } from "../protocol/status.ts";

/**
 * The captain's orders to a voyage, each with what is looked at before it is given: the same by a verb of `ocaptain`
 * and on the page.
 */

/** Who is ordered: a helm, by its socket, or as it is asked within. */
export type Ordered = Pick<
  HelmClient,
  | "voyage"
  | "task"
  | "answerTask"
  | "retryTask"
  | "retryVerification"
  | "liftLimits"
  | "releaseTask"
  | "pause"
  | "resume"
  | "setBudget"
>;
/** The voyage that an order is about. */
type About = { voyageId: string; stack: string };

/**
 * Asks the helm for one task, not for the voyage: what is wrong with another task must not keep the captain from
 * steering.
 * @throws OcaptainError NO_TASK
 */
export const taskOf = (helm: Pick<Ordered, "task">, { voyageId, stack }: About, id: string): Promise<TaskRow> =>
  helm.task(voyageId, id).catch((error: unknown) => {
    if (!(error instanceof OcaptainError) || error.code !== "NO_TASK") throw error;
    throw new OcaptainError("NO_TASK", `voyage "${stack}" has no task "${id}"`, { hint: `ocaptain tasks ${stack}` });
  });

/** Makes a blocked task pending again, with all its tries. @throws OcaptainError NO_TASK, TASK_STATUS, BUDGET */
export async function retryTask(helm: Ordered, about: About, id: string): Promise<TaskRow> {
  await taskThatIs("blocked", "retried", helm, about, id);
  return helm.retryTask(about.voyageId, id);
}

/**
 * Takes a claimed task from its ship, which is fenced. Returns the task as it is then, and as it was.
 * @throws OcaptainError NO_TASK, TASK_STATUS
 */
export async function releaseTask(helm: Ordered, about: About, id: string, reason = "the captain released it") {
  const before = await taskThatIs("claimed", "released", helm, about, id);
  return { before, now: await helm.releaseTask(about.voyageId, id, reason) };
}

/** Has verify.sh run again where it has failed. @throws OcaptainError VERIFY_STATUS */
export async function retryVerification(helm: Ordered, { voyageId, stack }: About): Promise<VoyageStatus> {
  const { state } = await helm.voyage(voyageId);
  if (state !== "failed")
    throw new OcaptainError("VERIFY_STATUS", `voyage "${stack}" is ${state}; only a failed verify.sh can be run again`, {
      hint: `ocaptain status ${stack}`,
    });
  return helm.retryVerification(voyageId);
}

/**
 * Gives tasks out again, whatever limit ships report. Returns those that had told of one. @throws OcaptainError
 * NO_LIMIT
 */
export async function liftLimits(helm: Ordered, { voyageId, stack }: About): Promise<string[]> {
  const { lifted } = await helm.liftLimits(voyageId);
  if (lifted.length > 0) return lifted;
  throw new OcaptainError("NO_LIMIT", `no usage limit holds voyage "${stack}"`, { hint: `ocaptain status ${stack}` });
}

/** Gives nothing out any more. @throws OcaptainError FINISHED where no work is left */
export async function pause(helm: Ordered, { voyageId, stack }: About, withinSeconds?: number): Promise<VoyageStatus> {
  const { state } = await helm.voyage(voyageId);
  if (state === "verified" || state === "done")
    throw new OcaptainError("FINISHED", `${stack} is ${state}: no work is left that could be paused`, {
      hint: `ocaptain clone ${stack}  # takes what it has delivered`,
    });
  return helm.pause(voyageId, withinSeconds);
}

/** What became of a task that was set free: a ship may have it already. */
export const nowIs = ({ id, status, ship }: TaskRow): string =>
  status === "pending"
    ? `task ${id} is pending again; a ship takes it by itself`
    : `task ${id} is ${status}${ship ? ` by ${ship}` : ""} now`;

/** @throws OcaptainError NO_TASK; TASK_STATUS when the task is not `status` */
async function taskThatIs(status: TaskRow["status"], done: string, helm: Ordered, about: About, id: string): Promise<TaskRow> {
  const task = await taskOf(helm, about, id);
  if (task.status === status) return task;
  throw new OcaptainError("TASK_STATUS", `task ${id} is ${task.status}; only a ${status} one can be ${done}`, {
    hint: `ocaptain tasks ${about.stack}`,
  });
}
