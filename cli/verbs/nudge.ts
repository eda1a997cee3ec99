import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { Io } from "../output/io.ts";
import { nudgeHand } from "../ship/nudge-hand.ts";
import { typeToHand } from "../ship/type-to-hand.ts";
import { wordsOf } from "../ship/typed-words.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";
import { shipNamed } from "../target/ship-name.ts";

/**
 * `ocaptain nudge <ship> <words...> [--voyage voyage]`: tells the running session of a ship something. An interactive
 * one has it typed; any other reads it at its next gate.
 * @throws OcaptainError NO_SHIP, NO_SESSION
 */
export async function nudge(of: string, words: readonly string[], name: string | undefined, io: Io): Promise<void> {
  const text = await wordsOf(words, "nudge", io);
  const voyage = await chooseVoyage(name);
  const { stack, voyageId } = voyage.file;
  const ship = shipNamed(of);
  const { ships, interactive, hand } = await helmClient().voyage(voyageId);
  const row = ships.find((each) => each.ship === ship);
  const look = { hint: `ocaptain status ${stack}` };
  if (!row) throw new OcaptainError("NO_SHIP", `voyage "${stack}" has no ship "${ship}"`, look);
  const told = (how: object, line: string) => io.out(io.json ? plainJson({ voyage: stack, ship, ...how, text }, 2) : line);
  if (interactive) {
    io.progress(`  typing to ${ship}`);
    await typeToHand(voyage, ship, text).finally(() => io.progress(""));
    return told({ how: "typed" }, `typed to Claude Code on ${ship}`);
  }
  if (hand === "rehearsal")
    throw new OcaptainError("NO_SESSION", `the ships of "${stack}" rehearse: a task is its own command, which hears nothing`, {
      hint: `pulumi config set ocaptain:hand claude -s ${stack}  # has agents do the tasks, from the next up on`,
    });
  const { task, epoch } = row;
  if (task === null || epoch === null || row.state !== "working")
    throw new OcaptainError("NO_SESSION", `${ship} is at work on no task, so nobody there would hear it`, look);
  await nudgeHand(voyage, ship, { task, epoch }, text);
  told(
    { how: "left", task },
    `left on ${ship} for the session at task ${task}, which reads it at its next command or update of the task, or before it ends`,
  );
}
