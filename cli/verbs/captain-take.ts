import { existsSync } from "node:fs";
import { OcaptainError } from "../../lib/base/errors.ts";
import { voyagesRoot } from "../../lib/base/paths.ts";
import { shellWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import type { VoyageIdentity } from "../../lib/voyage/identity.ts";
import { collectStatus } from "../../lib/watch/collect.ts";
import { aboutVoyage } from "../../lib/watch/hint.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { lastWritten, takeFolder, takenFrom } from "../captain/take.ts";
import { listStacks } from "../leftovers/stacks.ts";
import { ask, canAsk } from "../output/ask.ts";
import { hintAt } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import { projectHere } from "../sail/project.ts";
import { runUp } from "../sail/run-up.ts";
import { openStack, type Stack, stackOf } from "../sail/stack.ts";
import { findVoyage } from "../target/choose-voyage.ts";

/**
 * `ocaptain captain take <voyage>`: makes another captain's voyage this machine's, whose folder is here by a copy or on
 * a disk that both have. It says what would be lost, asks, marks folder and VMs so that the other machine does nothing
 * more for it, and then runs `pulumi up`, which brings helm, syncs and crews here. It may be done again when it was cut
 * off.
 */
export async function captainTake(name: string, { yes = false }: { yes?: boolean }, io: Io): Promise<number | undefined> {
  const voyage = await folderHere(name);
  const { file } = voyage;
  const me = await captainId();
  const isHere = await helmClient()
    .health()
    .then(
      ({ voyages }) => voyages.includes(file.voyageId),
      () => false,
    );
  const from = isHere ? null : await takenFrom(file);
  if (file.sunkAt)
    throw new OcaptainError("SUNK", `voyage "${file.stack}" has sunk: nothing sails that could be taken over`, {
      hint: `pulumi up -s ${file.stack}  # with ocaptain:handover ${file.captainId}, it goes on here`,
    });
  if (from === null) {
    if (io.json) io.out(plainJson({ voyage: file.stack, captain: me, from: null, ships: 0 }, 2));
    else io.out(`voyage "${file.stack}" is this captain's already`);
    return undefined;
  }
  const stack = await stackHere(file, io);
  hintAt(aboutVoyage({ ...file, sailedFrom: { ...file.sailedFrom, project: stack.folder } }));
  const way = await wayIn(stack, file, from);
  io.note(await whatHappens(voyage, from));
  if (!yes) {
    if (!canAsk())
      throw new OcaptainError("NO_TERMINAL", "nobody can be asked here whether the voyage is to be taken over", {
        hint: `ocaptain captain take ${file.stack} --yes`,
      });
    if (!(await ask(`Take ${file.stack} over from captain ${from}?`, io))) {
      io.note("nothing was changed");
      return 1;
    }
  }
  const ships = await takeFolder(voyage, from, (text) => io.steps.status(text));
  io.steps.status("");
  const [key, value] = way;
  await stack.pulumi(["config", "set", key, value]);
  await runUp(stack, io, {});
  // The word would count a second time, if the voyage went back and came again.
  await stack.pulumi(["config", "rm", key]);
  if (io.json) io.out(plainJson({ voyage: file.stack, captain: me, from, ships }, 2));
  else {
    io.out(`voyage "${file.stack}" is this captain's (${me}): its helm, syncs and crews are of this machine now`);
    io.out(`  captain ${from} had it; on that machine nothing more is done for it, and an up from there is refused`);
  }
  return undefined;
}

/** The voyage, by its folder on this machine. @throws OcaptainError NO_FOLDER, with how it comes here */
async function folderHere(name: string): Promise<KnownVoyage> {
  try {
    return await findVoyage(name);
  } catch (error) {
    if (!(error instanceof OcaptainError && error.code === "NO_VOYAGE")) throw error;
    throw new OcaptainError(
      "NO_FOLDER",
      `${voyagesRoot()} holds no folder of voyage "${name}", and with it no ledger that says what is done and accepted`,
      {
        hint: `copy it from that machine: rsync -a --exclude '*.lock' THAT-MACHINE:voyages/${name} ${shellWord(voyagesRoot())}/  # or point OCAPTAIN_VOYAGES to a disk that both have; where that machine is gone: docs/voyages.md#when-the-other-machine-is-gone`,
        cause: error,
      },
    );
  }
}

/** The stack, in the project that the voyage was sailed from if this machine has it, else in the one that is here. */
async function stackHere(file: VoyageIdentity, io: Io): Promise<Stack> {
  if (file.sailedFrom && existsSync(file.sailedFrom.project)) return stackOf(file);
  const stack = openStack(file.stack, await projectHere());
  io.note(`it was sailed from ${file.sailedFrom?.project ?? "a project that is not known"}, and goes on from ${stack.folder}`);
  return stack;
}

/**
 * The setting by which the `up` takes the voyage over: from a state that knows it, or into one that does not.
 * @throws OcaptainError NO_STACK
 */
async function wayIn(stack: Stack, file: VoyageIdentity, from: string): Promise<[key: string, value: string]> {
  const listed = await listStacks();
  if (listed?.withResources.has(stack.name)) return ["ocaptain:handover", from];
  if (listed?.all.has(stack.name)) return ["ocaptain:adopt", file.voyageId];
  const why = listed?.why ?? "there is none of that name";
  throw new OcaptainError("NO_STACK", `stack ${stack.name} is not in the backend of this shell: ${why}`, {
    hint: `pulumi login, to the backend that has it; or, where its state was on that machine alone: pulumi stack init ${stack.name}, with the settings of its Pulumi.${stack.name}.yaml, then take it again`,
  });
}

async function whatHappens(voyage: KnownVoyage, from: string): Promise<string> {
  const { file, folder } = voyage;
  const view = await collectStatus(voyage);
  const { accepted, total } = view.tasks;
  const written = lastWritten(folder);
  return [
    `${file.stack}  sailed by captain ${from}  ${accepted}/${total} tasks accepted, as ${folder.root} says`,
    `  if this folder is a copy: what that captain has accepted after ${written?.toISOString() ?? "it was made"} is not in it, and is done again`,
    "  tasks at work are stopped, and begun anew; what their ships have so far is kept as git refs",
    "  ships of a harbor stay on their machine: in their place new ones are made here",
  ].join("\n");
}
