/**
 * The supervisor, which runs in a ship's tmux session `crew`: it claims tasks at the helm and works them off, one hand
 * at a time, until nothing is left to claim or an order comes. It is plain Node ≥ 22, as no package is on a ship. All
 * state is the helm's, so this process may die at any point.
 */

import { runClaimLoop } from "./claim-loop.ts";
import { Killed } from "./helm/halt.ts";
import { ShipApiClient } from "./helm/ship-api-client.ts";
import { TelemetryRelay } from "./helm/telemetry-relay.ts";
import { Journal } from "./machine/journal.ts";
import { Hold } from "./machine/keep-awake.ts";
import { reachDirectly } from "./machine/no-proxy.ts";
import { endMarked } from "./machine/processes.ts";
import { readThisShip } from "./machine/ship.ts";
import { lockInstance } from "./machine/single-instance.ts";
import { isProvisioned } from "./provision/state.ts";
import { removeAll } from "./tree/files.ts";
import { putBack } from "./verify/verified-tree.ts";

// The supervisor ends in order also without its terminal, when the tmux server was killed.
process.stdout.on("error", () => {});

const ship = readThisShip();
reachDirectly(ship.config.helmUrl);
const journal = new Journal(ship.logs);
const orders = new AbortController();
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(name, () => orders.abort(new Killed(name)));
}

/**
 * How long a helm that does not answer is waited for; then the next `up`, or the helm's wake-up, starts the crew again.
 */
const PATIENCE_MS = 10 * 60_000;
/** How long the end of the crew waits for telemetry that is still on its way to the helm. */
const RELAY_MS = 2_000;

const relay = new TelemetryRelay(readThisShip);

async function main(): Promise<number> {
  if (!(await lockInstance(ship))) {
    journal.note("second", "another crew is at work on this ship; this one ends");
    return 0;
  }
  const ended = await endMarked(ship.mark);
  if (ended > 0) journal.note("stragglers", `processes of an earlier crew that were ended: ${ended}`);
  putBack(ship);
  await removeAll(ship.scratch).catch((error: Error) =>
    journal.note("scratch", `the folder for checkouts was not emptied: ${error.message}`),
  );

  if (!isProvisioned(readThisShip())) {
    journal.note(
      "unprovisioned",
      "the plan's provision steps are not done on this ship: pulumi up does them, and starts the crew",
    );
    return 0;
  }
  const hold = new Hold(journal);
  for (let heardAt = performance.now(); ; ) {
    // `up` may have written another address of the helm meanwhile.
    const current = readThisShip();
    const { why, text } = await runClaimLoop(current, new ShipApiClient(current), hold, journal, relay, orders.signal);
    journal.note(why, text);
    if (why === "fenced") return 3;
    if (why === "nothing" || why === "stop") return 0;
    if (why !== "away") heardAt = performance.now();
    else if (performance.now() - heardAt > PATIENCE_MS) return 1;
  }
}

try {
  process.exitCode = await main();
  const lost = await relay.settle(RELAY_MS);
  if (lost > 0) journal.note("telemetry", `exports of telemetry that did not reach the helm: ${lost}`);
} catch (error) {
  journal.note("failed", `the crew was ended by an error: ${(error as Error).message}`);
  process.exitCode = 1;
}
process.exit();
