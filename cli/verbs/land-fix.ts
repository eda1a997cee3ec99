import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { firstLine, plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { Returned } from "../landing/fix/came-back.ts";
import { type FixResult, fixVoyage } from "../landing/fix/fix.ts";
import { MOST_ROUNDS } from "../landing/fix/rounds.ts";
import { taskOf } from "../landing/fix/task-of.ts";
import { parts } from "../landing/land/parts.ts";
import { ask as askPerson, canAsk } from "../output/ask.ts";
import { parseDuration } from "../output/durations.ts";
import { pasteable } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import { whoTakesIt } from "../status/who-takes-it.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

type Options = {
  fromAnyone?: boolean;
  unverified?: boolean;
  wait?: boolean;
  allowSecret?: string[];
  rehearsal?: string;
  timeout?: string;
  yes?: boolean;
};

/** Agents may take long; the call can be repeated, and goes on waiting. */
const USUAL_TIMEOUT = "12h";

/**
 * `ocaptain land fix [voyage]` has the fleet mend what has come back of the voyage's pull requests, and lands it again.
 * @returns the exit status: 1 where something has come back too often, or the person has said no
 */
export async function landFix(name: string | undefined, options: Options, io: Io): Promise<number> {
  const timeoutMs = parseDuration(options.timeout ?? USUAL_TIMEOUT);
  const voyage = await chooseVoyage(name);
  const { stack, voyageId } = voyage.file;
  const agree = async (returned: readonly Returned[]) => {
    for (const each of returned) io.note(`${firstLine(each.pull.url)}: ${taskOf(each).subject}`);
    if (options.yes) return true;
    if (canAsk()) return askPerson(`Have the fleet of ${stack} do ${counted(returned.length, "task")} for it?`, io);
    throw new OcaptainError("NO_TERMINAL", "nobody can be asked here whether the fleet is to mend this", {
      hint: `ocaptain land fix ${stack} --yes`,
    });
  };
  const ask = {
    fromAnyone: options.fromAnyone === true,
    unverified: options.unverified === true,
    wait: options.wait !== false,
    rehearsal: options.rehearsal,
    timeoutMs,
  };
  const result = await fixVoyage(voyage, { ...ask, agree }, parts(voyage, options.allowSecret ?? [], io), io);
  if (result === null) {
    io.note("nothing was changed");
    return 1;
  }
  if (io.json) io.out(plainJson(asJson(stack, result), 2));
  else for (const line of told(result)) io.out(line);
  tellLeftOut(result, io);
  if (result.open.length > 0) {
    const { text, hint } = whoTakesIt(await helmClient().voyage(voyageId));
    io.note(hint === null ? `${text}; then: ocaptain land fix ${stack}` : `${text}\n  hint: ${pasteable(hint)}`);
  }
  return result.spent.length > 0 ? 1 : 0;
}

function asJson(stack: string, { added, open, spent, strangers, pending, landed }: FixResult): object {
  return {
    voyage: stack,
    added,
    open: open.map(({ id }) => id),
    tooOften: spent.map((each) => ({ pull: each.pull.number, what: taskOf(each).subject })),
    ofStrangers: strangers.length,
    pending,
    landed: landed && { tip: landed.tip, pulls: landed.pulls.map(({ pull }) => pull.url) },
  };
}

function told({ added, open, landed }: FixResult): string[] {
  const lines = added.map(
    ({ task, isNew }) => `task ${task.id} ${isNew ? "is added" : "was added before"}: ${firstLine(task.subject)}`,
  );
  if (landed) lines.push(...landed.pulls.map(({ pull }) => `${pull.url}  updated, at ${landed.tip.slice(0, 8)}`));
  if (lines.length > 0) return lines;
  return open.length > 0
    ? [`nothing new has come back; ${counted(open.length, "task")} of before ${open.length === 1 ? "is" : "are"} open`]
    : ["nothing has come back that no task was made of"];
}

function tellLeftOut({ spent, strangers, pending }: FixResult, io: Io): void {
  for (const each of spent)
    io.note(
      `${firstLine(each.pull.url)}: ${taskOf(each).subject}: it has come back after ${MOST_ROUNDS} rounds, and is left to you\n  hint: ocaptain task add 'What is to be mended'`,
    );
  if (strangers.length > 0)
    io.note(
      `${counted(strangers.length, "remark")} of people who may not write to the repository left out (${[...new Set(strangers)].slice(0, 5).map(firstLine).join(", ")})\n  hint: ocaptain land fix --from-anyone`,
    );
  if (pending.length > 0) io.note(`not decided yet: ${pending.slice(0, 10).map(firstLine).join(", ")}`);
}
