import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { gitLine } from "../../lib/git/run.ts";
import type { TaskRow } from "../../lib/protocol/status.ts";
import * as orders from "../../lib/voyage/orders.ts";
import { nowIs } from "../../lib/voyage/orders.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { pasteable } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";
import { idOf } from "../target/typed-list.ts";

/**
 * `ocaptain retry <task|verify|limit> [voyage]` makes a blocked task pending again, with all its tries; or has a
 * verify.sh run again that failed; or has tasks given out again, whatever limit ships report.
 */
export async function retry(id: string, name: string | undefined, io: Io): Promise<void> {
  if (id === "verify") return retryVerification(name, io);
  if (id === "limit") return retryLimit(name, io);
  const voyage = await chooseVoyage(name);
  const row = await orders.retryTask(helmClient(), voyage.file, idOf(id));
  tell(io, voyage, row, nowIs(row));
}

async function retryVerification(name: string | undefined, io: Io): Promise<void> {
  const { file } = await chooseVoyage(name);
  const after = await orders.retryVerification(helmClient(), file);
  const text = "verify.sh is run again, by the next ship that is free";
  io.out(io.json ? plainJson({ voyage: file.stack, state: after.state }, 2) : text);
}

async function retryLimit(name: string | undefined, io: Io): Promise<void> {
  const { file } = await chooseVoyage(name);
  const lifted = await orders.liftLimits(helmClient(), file);
  const text = `tasks are given out again (${lifted.join(", ")} had told of a limit); a ship that still meets it says so again`;
  io.out(io.json ? plainJson({ voyage: file.stack, lifted }, 2) : text);
}

/** `ocaptain release <task> [voyage] [--reason text]` takes a claimed task away from its ship, which is fenced. */
export async function release(id: string, name: string | undefined, options: { reason?: string }, io: Io): Promise<void> {
  const voyage = await chooseVoyage(name);
  const { before: task, now: row } = await orders.releaseTask(helmClient(), voyage.file, idOf(id), options.reason);
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

function tell(io: Io, { file }: KnownVoyage, task: TaskRow, text: string): void {
  io.out(io.json ? plainJson({ voyage: file.stack, task }, 2) : text);
}
