import { OcaptainError } from "../../lib/base/errors.ts";
import { firstLine, plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { TaskRow } from "../../lib/protocol/status.ts";
import { nowIs, taskOf } from "../../lib/voyage/orders.ts";
import { asking } from "../../lib/watch/attention.ts";
import type { Io } from "../output/io.ts";
import { MOST_TYPED, typeToHand } from "../ship/type-to-hand.ts";
import { tooLong, wordsOf } from "../ship/typed-words.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";
import { shipNamed } from "../target/ship-name.ts";

/** The longest answer that the helm takes. */
const MOST_CHARACTERS = 16_384;

/**
 * `ocaptain answer <ship|#task> <words...> [--voyage voyage]`: answers what the agent of a ship's task asked the
 * captain. The task is then pending again, and its next try is told question and answer. On an interactive voyage, the
 * words are typed to the session of a ship that has asked nothing. Reads stdin where the words are `-`.
 */
export async function answer(of: string, words: readonly string[], name: string | undefined, io: Io): Promise<void> {
  const text = await wordsOf(words, "answer", io, MOST_CHARACTERS);
  const voyage = await chooseVoyage(name);
  const { stack, voyageId } = voyage.file;
  if (of.startsWith("#")) return tell(await ofTask(of.slice(1), stack, voyageId));
  const { tasks, ships, interactive } = await helmClient().voyage(voyageId);
  const ship = shipNamed(of);
  if (interactive && ships.some((row) => row.ship === ship) && !asking(tasks).some((task) => task.askedBy === ship)) {
    if (text.length > MOST_TYPED) throw tooLong("the answer", text, MOST_TYPED);
    io.progress(`  typing to ${ship}`);
    await typeToHand(voyage, ship, text).finally(() => io.progress(""));
    io.out(io.json ? plainJson({ voyage: stack, ship, typed: text }, 2) : `typed to Claude Code on ${ship}`);
    return;
  }
  return tell(ofShip(tasks, ships, ship, stack));

  async function tell(asked: TaskRow): Promise<void> {
    const task = await helmClient().answerTask(voyageId, asked.id, text);
    io.out(io.json ? plainJson({ voyage: stack, task, question: asked.question, answer: text }, 2) : `answered: ${nowIs(task)}`);
  }
}

/** @throws OcaptainError NO_TASK, NO_QUESTION */
async function ofTask(id: string, stack: string, voyageId: string): Promise<TaskRow> {
  const task = await taskOf(helmClient(), { stack, voyageId }, id);
  if (task.question !== undefined) return task;
  throw new OcaptainError("NO_QUESTION", `task ${id} asks nothing: it is ${task.status}`, { hint: `ocaptain status ${stack}` });
}

/**
 * The one question that the ship has asked.
 * @throws OcaptainError NO_SHIP, NO_QUESTION, WHICH_QUESTION (with all of them)
 */
function ofShip(tasks: readonly TaskRow[], ships: readonly { ship: string }[], ship: string, stack: string): TaskRow {
  const [one, ...more] = asking(tasks).filter((task) => task.askedBy === ship);
  if (one && more.length === 0) return one;
  if (one) {
    const lines = [one, ...more].map((task) => `  #${task.id}  ${firstLine(task.question!)}`);
    throw new OcaptainError("WHICH_QUESTION", `${ship} has asked several things; say of which task:\n${lines.join("\n")}`, {
      hint: `ocaptain answer '#${one.id}' - --voyage ${stack}  # type the answer, then Ctrl-D`,
    });
  }
  if (!ships.some((row) => row.ship === ship))
    throw new OcaptainError("NO_SHIP", `voyage "${stack}" has no ship "${ship}"`, { hint: `ocaptain status ${stack}` });
  throw new OcaptainError("NO_QUESTION", `${ship} has no open question`, {
    hint: `ocaptain status ${stack}  # shows who asks what; a task is named with #, as '#7'`,
  });
}
