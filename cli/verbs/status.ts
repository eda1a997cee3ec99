import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import { plainJson } from "../../lib/base/text.ts";
import { withFormerNames } from "../../lib/voyage/task-files.ts";
import type { Io } from "../output/io.ts";
import { collectStatus } from "../status/collect.ts";
import { renderStatus } from "../status/render.ts";
import type { StatusView } from "../status/view.ts";
import { chooseVoyage, type KnownVoyage } from "../target/choose-voyage.ts";

/** How often a watch looks: the helm has no stream for the captain, and a look costs it a few milliseconds. */
const LOOK_MS = 1_000;
const TICKS = new Set(["knownBy", "since", "spend", "usage"]);

/**
 * `ocaptain status [voyage] [--watch]` shows the voyage. A watch may begin before there is a voyage, and ends when it
 * has sunk.
 */
export async function status(name: string | undefined, options: { watch?: boolean }, io: Io): Promise<void> {
  if (!options.watch) {
    const view = await collectStatus(await chooseVoyage(name));
    io.out(io.json ? plainJson(inJson(view), 2) : renderStatus(view, io));
    return;
  }
  const live = io.columns !== undefined && !io.json;
  const voyage = await waitedFor(name, io);
  for (let shown = ""; voyage && !io.signal.aborted; await pause(io)) {
    // Read again: the voyage may sink, or sail anew, meanwhile.
    const now = await ifThere(voyage.file.stack);
    if (!now) return io.note(`the folder of voyage "${voyage.file.stack}" is gone: this ends`);
    const view = await collectStatus(now);
    const isOver = view.state === "sunk";
    const last = isOver ? "the voyage has sunk: this ends" : "Ctrl-C ends this";
    if (live) io.repaint(`${renderStatus(view, io)}\n\n${io.style("dim", last)}`);
    else {
      // Where nothing can be painted over, only a change is shown. What only ticks is no change; spend is shown with
      // the next one.
      const { asOf, ...rest } = view;
      const key = JSON.stringify(rest, (key, value) => (TICKS.has(key) ? undefined : value));
      if (key !== shown) io.out(io.json ? plainJson(inJson(view)) : `${renderStatus(view, io)}\n`);
      shown = key;
    }
    if (isOver) return;
  }
}

const inJson = (view: StatusView) => ({ ...view, tasks: withFormerNames(view.tasks) });

/** The voyage, when it is there; undefined when nobody waits any longer. */
async function waitedFor(name: string | undefined, io: Io): Promise<KnownVoyage | undefined> {
  for (let isTold = false; !io.signal.aborted; isTold = true, await pause(io)) {
    const voyage = await ifThere(
      name,
      (why) => isTold || io.note(`${why}; waiting until pulumi up has made it (Ctrl-C ends this)`),
    );
    if (voyage) return voyage;
  }
  return undefined;
}

async function ifThere(name: string | undefined, not: (why: string) => void = () => {}): Promise<KnownVoyage | undefined> {
  return chooseVoyage(name).catch((error: unknown) => {
    if (!(error instanceof OcaptainError && error.code === "NO_VOYAGE")) throw error;
    not(error.message);
    return undefined;
  });
}

const pause = (io: Io) => sleep(LOOK_MS, undefined, { signal: io.signal }).catch(() => {});
