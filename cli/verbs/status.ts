import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson } from "../../lib/base/text.ts";
import { withFormerNames } from "../../lib/voyage/task-files.ts";
import { collectStatus } from "../../lib/watch/collect.ts";
import { allVoyages, type KnownVoyage } from "../../lib/watch/known.ts";
import type { StatusView } from "../../lib/watch/view.ts";
import type { Io } from "../output/io.ts";
import { renderStatus } from "../status/render.ts";
import { chooseVoyage, sameVoyage, selectedOf } from "../target/choose-voyage.ts";

/** How often a watch looks: the helm has no stream for the captain, and a look costs it a few milliseconds. */
const LOOK_MS = 1_000;
const TICKS = new Set(["knownBy", "since", "spend", "usage"]);

/**
 * `ocaptain status [voyage] [--watch]` shows the voyage; where several are at sea, none is named and none is selected
 * in Pulumi, all of them. A watch may begin before there is a voyage, and ends when all that it shows have sunk.
 */
export async function status(name: string | undefined, options: { watch?: boolean }, io: Io): Promise<void> {
  if (!options.watch) return show(await Promise.all((await chosen(name, io)).map((voyage) => collectStatus(voyage))), io);
  const live = io.columns !== undefined && !io.json;
  const voyages = await waitedFor(name, io);
  for (let shown = ""; voyages.length > 0 && !io.signal.aborted; await pause(io)) {
    // Read again: a voyage may sink meanwhile.
    const now = (await Promise.all(voyages.map((voyage) => unlessGone(sameVoyage(voyage))))).filter((each) => each !== undefined);
    if (now.length === 0) return io.note(`the folder of voyage "${voyages[0]!.file.stack}" is gone: this ends`);
    const views = await Promise.all(now.map((voyage) => collectStatus(voyage)));
    const isOver = views.every((view) => view.state === "sunk");
    const last = isOver ? "the voyage has sunk: this ends" : "Ctrl-C ends this";
    if (live) io.repaint(`${text(views, io)}\n\n${io.style("dim", last)}`);
    else {
      // Where nothing can be painted over, only a change is shown. What only ticks is no change; spend is shown with
      // the next one.
      const key = JSON.stringify(views, (key, value) => (TICKS.has(key) || key === "asOf" ? undefined : value));
      if (key !== shown) io.out(io.json ? plainJson(inJson(views)) : `${text(views, io)}\n`);
      shown = key;
    }
    if (isOver) return;
  }
}

const show = (views: StatusView[], io: Io) => io.out(io.json ? plainJson(inJson(views), 2) : text(views, io));

const text = (views: readonly StatusView[], io: Io) => views.map((view) => renderStatus(view, io)).join("\n\n");

/**
 * All voyages as a list, which is there also for one, so that a script reads any number of them in one way. One alone
 * is also the object itself, as it was before there could be several.
 */
function inJson(views: readonly StatusView[]): object {
  const voyages = views.map(({ taskRows: _, ...view }) => ({ ...view, tasks: withFormerNames(view.tasks) }));
  return { ...(voyages.length === 1 && voyages[0]), voyages };
}

/** The voyages that are to be shown. @throws OcaptainError as {@link chooseVoyage} */
async function chosen(name: string | undefined, io: Io): Promise<KnownVoyage[]> {
  if (name !== undefined) return [await chooseVoyage(name)];
  const { known, broken } = await allVoyages();
  const afloat = known.filter(({ file }) => !file.sunkAt);
  if (afloat.length < 2) return [await chooseVoyage(undefined)];
  for (const each of broken) io.note(each);
  const selected = selectedOf(afloat);
  if (!selected) return afloat;
  const others = afloat.filter((voyage) => voyage !== selected).map(({ file }) => file.stack);
  io.note(`of the stack that is selected in Pulumi; also at sea: ${others.join(", ")} (ocaptain ls)`);
  return [await chooseVoyage(selected.file.voyageId)];
}

/** The voyages, when there is one; none when nobody waits any longer. */
export async function waitedFor(name: string | undefined, io: Io): Promise<KnownVoyage[]> {
  for (let isTold = false; !io.signal.aborted; isTold = true, await pause(io)) {
    const voyages = await unlessGone(
      chosen(name, io),
      (why) => isTold || io.note(`${why}; waiting until pulumi up has made it (Ctrl-C ends this)`),
    );
    if (voyages) return voyages;
  }
  return [];
}

/** What is looked for; undefined, and `not` is told why, where the voyage is not there. */
export async function unlessGone<T>(found: Promise<T>, not: (why: string) => void = () => {}): Promise<T | undefined> {
  return found.catch((error: unknown) => {
    if (!(error instanceof OcaptainError && error.code === "NO_VOYAGE")) throw error;
    not(error.message);
    return undefined;
  });
}

/** Waits until it is time for another look, or the person has had enough. */
export const pause = (io: Io) => sleep(LOOK_MS, undefined, { signal: io.signal }).catch(() => {});
