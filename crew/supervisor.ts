/**
 * The supervisor: what runs in a ship's tmux session `crew`. Claims tasks at the helm and works them off, one hand at a time, until nothing is
 * left to claim or an order comes (design 8 to 11). Plain Node ≥ 22: no package is there. State is the helm's; this process may die at any point.
 */

import { standWatch } from "./claim-loop.ts";
import { Killed } from "./helm/halt.ts";
import { HelmClient } from "./helm/helm-client.ts";
import { Journal } from "./machine/journal.ts";
import { Hold } from "./machine/keep-awake.ts";
import { reachDirectly } from "./machine/no-proxy.ts";
import { endStragglers } from "./machine/processes.ts";
import { readThisShip } from "./machine/ship.ts";
import { onlyOne } from "./machine/single-instance.ts";
import { isProvisioned } from "./provision/state.ts";
import { removeAll } from "./tree/files.ts";
import { putBack } from "./verify/verified-tree.ts";

// Without its terminal (the tmux server was killed) the supervisor still ends in order.
process.stdout.on("error", () => {});

const ship = readThisShip();
reachDirectly(ship.config.helmUrl);
const journal = new Journal(ship.logs);
const orders = new AbortController();
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(name, () => orders.abort(new Killed(name)));
}

/** How long a helm that does not answer is waited for; then the next `up`, or the helm's wake-up, starts the crew again. */
const PATIENCE_MS = 10 * 60_000;

async function main(): Promise<number> {
  if (!(await onlyOne(ship))) {
    journal.note("second", "another crew is at work here; this one ends");
    return 0;
  }
  const ended = await endStragglers(ship.mark);
  if (ended > 0) journal.note("stragglers", `processes of an earlier crew that were ended: ${ended}`);
  putBack(ship);
  await removeAll(ship.scratch).catch((error: Error) => journal.note("scratch", `not emptied: ${error.message}`));

  if (!isProvisioned(readThisShip())) {
    journal.note(
      "unprovisioned",
      "the plan's provision steps are not done on this ship: pulumi up does them, and starts the crew",
    );
    return 0;
  }
  const hold = new Hold(journal);
  for (let heardAt = performance.now(); ; ) {
    const current = readThisShip();
    const { why, text } = await standWatch(current, new HelmClient(current), hold, journal, orders.signal);
    journal.note(why, text);
    if (why === "fenced") return 3;
    if (why === "nothing" || why === "stop") return 0;
    if (why !== "away") heardAt = performance.now();
    else if (performance.now() - heardAt > PATIENCE_MS) return 1;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  journal.note("failed", `ended by an error: ${(error as Error).message}`);
  process.exitCode = 1;
}
process.exit();
