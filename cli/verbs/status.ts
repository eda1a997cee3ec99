import { setTimeout as sleep } from "node:timers/promises";
import { plainJson } from "../../lib/plain-text.ts";
import { chooseVoyage } from "../choose-voyage.ts";
import type { Io } from "../io.ts";
import { renderStatus } from "../status/render.ts";
import { see } from "../status/see.ts";

/** The helm has no stream for the captain; a look costs it a few milliseconds. */
const LOOK_MS = 1_000;
const TICKS = new Set(["knownBy", "since", "spend", "usage"]);

/** `ocaptain status [voyage] [--watch]` */
export async function status(name: string | undefined, options: { watch?: boolean }, io: Io): Promise<void> {
  const voyage = await chooseVoyage(name);
  if (!options.watch) {
    const view = await see(voyage);
    io.out(io.json ? plainJson(view, 2) : renderStatus(view, io));
    return;
  }
  const live = io.columns !== undefined && !io.json;
  for (let shown = ""; !io.signal.aborted; await sleep(LOOK_MS, undefined, { signal: io.signal }).catch(() => {})) {
    // Read again: the voyage may sink, or sail anew, meanwhile.
    const view = await see(await chooseVoyage(voyage.file.stack));
    if (live) io.repaint(`${renderStatus(view, io)}\n\n${io.style("dim", "Ctrl-C ends this")}`);
    else {
      // Where nothing can be painted over, only a change is worth a line. What only ticks is no change, and spend goes with the next.
      const { asOf, ...rest } = view;
      const key = JSON.stringify(rest, (key, value) => (TICKS.has(key) ? undefined : value));
      if (key !== shown) io.out(io.json ? plainJson(view) : `${renderStatus(view, io)}\n`);
      shown = key;
    }
  }
}
