import { usd } from "../../lib/base/text.ts";
import type { TaskRow } from "../../lib/protocol/status.ts";
import { costText } from "../../lib/voyage/cost-text.ts";
import {
  liftLimits,
  nowIs,
  type Ordered,
  pause,
  releaseTask,
  retryTask,
  retryVerification,
  taskOf,
} from "../../lib/voyage/orders.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import type { ActionReply, PageAction } from "../../lib/watch/page-api.ts";
import { HttpError } from "../http-error.ts";
import type { Voyages } from "../voyages.ts";
import type { Sinkings } from "./sinking.ts";

/** Does what the captain orders on the page, and says what was done; what was not is an error, with its reason. */
export async function order(voyages: Voyages, sinkings: Sinkings, known: KnownVoyage, action: PageAction): Promise<ActionReply> {
  return { message: await done(here(voyages), sinkings, known, action) };
}

async function done(helm: Ordered, sinkings: Sinkings, known: KnownVoyage, action: PageAction): Promise<string> {
  const { file } = known;
  const { voyageId, stack } = file;
  switch (action.action) {
    case "answer":
      assertAsked(await taskOf(helm, file, action.task), action.epoch);
      return `answered: ${nowIs(await helm.answerTask(voyageId, action.task, action.text))}`;
    case "retry":
      return nowIs(await retryTask(helm, file, action.task));
    case "release": {
      const { before, now } = await releaseTask(helm, file, action.task, action.reason);
      return `${nowIs(now)}; ${before.ship} is fenced, and comes back as new with the next up`;
    }
    case "verify":
      await retryVerification(helm, file);
      return "verify.sh is run again, by the next ship that is free";
    case "lift-limits":
      return `tasks are given out again (${(await liftLimits(helm, file)).join(", ")} had told of a limit)`;
    case "pause":
      await pause(helm, file, action.withinSeconds);
      return `${stack} is paused: nothing is given out`;
    case "resume":
      return `${stack} goes on: it is ${(await helm.resume(voyageId)).state}`;
    case "budget": {
      const { state, spend } = await helm.setBudget(voyageId, action.usd);
      return `${stack} may spend up to ${usd(spend.budgetUsd ?? action.usd)}, of which ${costText(spend)} is spent; it is ${state}`;
    }
    case "sink":
      sinkings.begin(known);
      return `${stack} is being sunk: all work comes home first`;
  }
}

/** @throws HttpError 409 when the task asks nothing (any more), or asks something else than what was read */
function assertAsked({ id, status, epoch, question }: TaskRow, read: number | undefined): void {
  if (question === undefined)
    throw new HttpError(409, "NO_QUESTION", `task ${id} asks nothing (any more): it is ${status}; the answer was not taken`);
  if (read !== undefined && read !== epoch)
    throw new HttpError(409, "NO_QUESTION", `task ${id} asks something else by now; the answer was not taken`);
}

/** This helm, as a client of it would be: it needs no socket to ask itself. */
const here = (voyages: Voyages): Ordered => {
  const of = (id: string) => voyages.need(id).voyage;
  return {
    voyage: async (id) => of(id).status(),
    task: async (id, task) => of(id).taskRow(task),
    answerTask: async (id, task, text) => of(id).answer(task, text),
    retryTask: async (id, task) => of(id).retry(task),
    retryVerification: async (id) => of(id).retryVerification(),
    liftLimits: async (id) => ({ lifted: await of(id).liftLimits() }),
    releaseTask: async (id, task, reason) => of(id).releaseTask(task, reason),
    pause: async (id, withinSeconds) => of(id).pause(withinSeconds),
    resume: async (id) => of(id).resume(),
    setBudget: async (id, amount) => of(id).setBudget(amount),
  };
};
