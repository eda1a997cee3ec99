import { explain, OcaptainError } from "../../lib/base/errors.ts";
import { firstLine, plainJson } from "../../lib/base/text.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { readVoyageIdentity } from "../../lib/voyage/identity.ts";
import { collectStatus } from "../../lib/watch/collect.ts";
import { allVoyages, type KnownVoyage } from "../../lib/watch/known.ts";
import type { StatusView, SyncView } from "../../lib/watch/view.ts";
import { ask, canAsk } from "../output/ask.ts";
import { hintAt } from "../output/hint.ts";
import type { Io } from "../output/io.ts";
import { projectHere } from "../sail/project.ts";
import { runShown } from "../sail/run-up.ts";
import { openStack, type Stack, stackOf } from "../sail/stack.ts";
import { findVoyage } from "../target/choose-voyage.ts";

type Options = { force?: boolean; yes?: boolean; all?: boolean };

/**
 * `ocaptain sink [voyage]` shows what would end, asks, and ends it by `pulumi destroy`, which brings all work home
 * first, and succeeds only when nothing is left.
 */
export async function sink(name: string | undefined, { force, yes, all }: Options, io: Io): Promise<number | undefined> {
  if (all && name !== undefined)
    throw new OcaptainError("USAGE", "--all means every voyage, and names none", { hint: "ocaptain sink --all" });
  const voyages = all ? await atSea(io) : [await findVoyage(name)];
  const afloat = voyages.filter(({ file }) => !file.sunkAt);
  if (!io.json) for (const { file } of voyages) if (file.sunkAt) io.out(`${file.stack} has sunk already, at ${file.sunkAt}`);
  for (const voyage of afloat) io.note(whatEnds(await collectStatus(voyage)));
  if (afloat.length === 0 && all) io.note("no voyage of this captain is at sea");
  if (afloat.length > 0 && !force && !yes) {
    if (!canAsk())
      throw new OcaptainError("NO_TERMINAL", "nobody can be asked here whether this is to end", {
        hint: `ocaptain sink ${all ? "--all" : afloat[0]!.file.stack} --force`,
      });
    const what = afloat.length === 1 ? afloat[0]!.file.stack : `these ${afloat.length} voyages`;
    if (!(await ask(`Sink ${what}? All work comes home first.`, io))) {
      io.note("nothing was changed");
      return 1;
    }
  }
  const ended: Sunk[] = [];
  const failed: { voyage: string; message: string }[] = [];
  for (const voyage of afloat) {
    io.signal.throwIfAborted();
    try {
      ended.push(await sinkOne(voyage, io));
    } catch (error) {
      if (afloat.length === 1 || io.signal.aborted) throw error;
      failed.push({ voyage: voyage.file.stack, message: explain(error) });
      io.note(`${voyage.file.stack}: ${explain(error)}`);
    }
  }
  const before = voyages.flatMap(({ file, folder }) =>
    file.sunkAt ? [{ voyage: file.stack, sunkAt: file.sunkAt, workspace: folder.workspace }] : [],
  );
  if (io.json) io.out(plainJson({ sunk: [...before, ...ended], failed }, 2));
  return failed.length > 0 ? 1 : undefined;
}

type Sunk = { voyage: string; sunkAt: string; workspace: string | null };

/** Every voyage of this captain that has not sunk. */
async function atSea(io: Io): Promise<KnownVoyage[]> {
  const { known, broken } = await allVoyages();
  for (const message of broken) io.note(message);
  const me = await captainId();
  const afloat = known.filter(({ file }) => !file.sunkAt);
  for (const { file } of afloat)
    if (file.captainId !== me) io.note(`${file.stack} is sailed by another captain, ${file.captainId}: it is left alone`);
  return afloat.filter(({ file }) => file.captainId === me);
}

/** What a voyage's end would interrupt: its tasks at work, its ships, and whose work may not all be home. */
function whatEnds(view: StatusView): string {
  const { accepted, total } = view.tasks;
  const lines = view.ships.map(({ ship, state, task, sync }) => {
    const work = task ? `  #${task.id} ${firstLine(task.subject)} is at work` : "";
    return `  ${ship}  ${state}${work}${HOME.has(sync.state) ? "" : `  (its work may not all be home: ${sync.text})`}`;
  });
  const ships = view.ships.length === 1 ? "1 ship, a VM" : `${view.ships.length} ships, each a VM`;
  return [`${view.stack}  ${view.state}  ${accepted}/${total} tasks accepted  ${ships}`, ...lines].join("\n");
}

/** The states of a ship's syncs in which nothing is on its way home: a ship that sleeps changes nothing. */
const HOME = new Set<SyncView["state"]>(["ok", "asleep"]);

/** Destroys one voyage, and tells the proof and where its work is. */
async function sinkOne({ file, folder }: KnownVoyage, io: Io): Promise<Sunk> {
  const stack = await stackToSink({ file, folder }, io);
  hintAt({ stack: stack.name, project: stack.folder, byOcaptain: true });
  await runShown(stack, ["destroy", "--yes", "--skip-preview"], io);
  const now = await readVoyageIdentity(file.stack);
  if (now && !now.sunkAt)
    throw new OcaptainError(
      "NOT_SUNK",
      `Pulumi knows nothing of voyage "${file.stack}" in the project ${stack.folder}: its state is in another backend, or was lost`,
      {
        hint: "ocaptain doctor",
      },
    );
  const asked = ["the provider", ...(file.control ? ["the tailnet"] : []), "the sync daemon", "the helm"];
  const sunk = { voyage: file.stack, sunkAt: now?.sunkAt ?? new Date().toISOString(), workspace: now ? folder.workspace : null };
  if (io.json) return sunk;
  io.out(`${file.stack} has sunk: ${asked.slice(0, -1).join(", ")} and ${asked.at(-1)} have nothing left of it`);
  if (!now) io.out("  its folder is deleted, as ocaptain:keepWorkspace is false");
  else {
    io.out(`  its work: ${folder.workspace}, branch ${file.stack}`);
    io.out(`  ocaptain clone ${file.stack}`);
  }
  return sunk;
}

/** The stack of a voyage; a destroy needs nothing of the project's but its name, and so also another will do. */
async function stackToSink({ file }: KnownVoyage, io: Io): Promise<Stack> {
  try {
    return await stackOf(file);
  } catch (error) {
    if (!(error instanceof OcaptainError && error.code === "PROJECT_GONE")) throw error;
    const stack = openStack(file.stack, await projectHere());
    io.note(`${error.message}; it is sunk from ${stack.folder}, with the settings of its last up`);
    return stack;
  }
}
