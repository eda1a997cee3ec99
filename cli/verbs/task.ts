import { checkInput, formatProblems } from "../../lib/base/check-input.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { firstLine, plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { FollowUp } from "../../lib/plan/follow-up.ts";
import { shellProblems } from "../../lib/plan/shell-syntax.ts";
import { pasteable } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import { textOf } from "../ship/typed-words.ts";
import { whoTakesIt } from "../status/who-takes-it.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";
import { idOf, listOf } from "../target/typed-list.ts";

type Options = {
  voyage?: string;
  description?: string;
  after?: string;
  check?: string;
  touches?: string;
  rehearsal?: string;
  urgent?: boolean;
};

/** `ocaptain task add <subject>` adds a task to a voyage at sea, beside its plan. */
export async function taskAdd(subject: string, options: Options, io: Io): Promise<void> {
  const { description = subject, after, check, touches, rehearsal, urgent } = options;
  const task = {
    subject,
    description: (await textOf(description, "the description", io)).trim(),
    ...(after !== undefined && { after: listOf(after).map(idOf) }),
    ...(check !== undefined && { check }),
    ...(touches !== undefined && { touches: listOf(touches) }),
    ...(rehearsal !== undefined && { rehearsal }),
    ...(urgent && { urgent }),
  };
  const checked = checkInput(FollowUp, task);
  if ("problems" in checked) throw slip(formatProblems(checked.problems));
  const commands = { "--check": check, "--rehearsal": rehearsal };
  const scripts = Object.entries(commands).flatMap(([field, text]) => (text === undefined ? [] : [{ file: "", field, text }]));
  const [unread] = await shellProblems(scripts);
  if (unread) throw slip(`${unread.field}: ${unread.message}`);

  const { file } = await chooseVoyage(options.voyage);
  if (file.sunkAt)
    throw new OcaptainError("SUNK", `no task was added: voyage "${file.stack}" has sunk, and no ship is there that could do it`, {
      hint: `pulumi up -s ${file.stack}  # sails it again; then add the task`,
    });
  const helm = helmClient();
  const added = await helm.addTask(file.voyageId, checked.data);
  const status = await helm.voyage(file.voyageId);
  const { text, hint } = whoTakesIt(status);
  if (io.json) return io.out(plainJson({ voyage: file.stack, ...added, state: status.state, ...(hint && { hint }) }, 2));
  io.out(`task ${added.task.id} is added: ${firstLine(added.task.subject)}`);
  io.note(hint === null ? text : `${text}\n  hint: ${pasteable(hint)}`);
}

/** `ocaptain task cancel <task>` cancels a task that was added beside the plan, and that no ship is at. */
export async function taskCancel(id: string, name: string | undefined, io: Io): Promise<void> {
  const { file } = await chooseVoyage(name);
  const task = await helmClient().cancelTask(file.voyageId, idOf(id));
  io.out(io.json ? plainJson({ voyage: file.stack, task }, 2) : `task ${task.id} is cancelled: ${firstLine(task.subject)}`);
}

const slip = (what: string) => new OcaptainError("USAGE", `no task was added: ${what}`, { hint: "ocaptain task add --help" });
