/**
 * Runs the plan's provision steps on this ship, in its first checkout. `up` starts this program in the tmux session
 * `provision`, before the crew. It tells by `provisioned.json` how far it is and why it failed; all that the steps
 * print is in `~/voyage/logs/provision.log`. Steps that are done are not run again.
 *
 * What a step leaves running is left alone, as a database that it started. A cold start of the VM ends it, so such
 * things are better made services.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProvisionOrder, ProvisionWord } from "../../lib/protocol/ship-files.ts";
import { Journal } from "../machine/journal.ts";
import { Hold } from "../machine/keep-awake.ts";
import { readThisShip } from "../machine/ship.ts";
import { lockInstance } from "../machine/single-instance.ts";
import { identityOf, withoutGit } from "../tree/git.ts";
import { Tree } from "../tree/tree.ts";
import { putBack } from "../verify/verified-tree.ts";
import { isProvisioned, writeWord } from "./state.ts";
import { runStep } from "./step.ts";

process.stdout.on("error", () => {});

/** How long a fetch is tried while the helm's git does not answer. */
const PATIENCE_MS = 60_000;
const HOLD_EVERY_MS = 20_000;

const ship = readThisShip();
const order = JSON.parse(readFileSync(join(ship.crew, "provision.json"), "utf8")) as ProvisionOrder;
const journal = new Journal(ship.logs);
const orders = new AbortController();
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
  process.on(name, () => orders.abort(new Error(`told to end (${name})`)));

const say = (state: ProvisionWord["state"], at: string, why?: string) =>
  writeWord(ship, { state, attempt: order.attempt, digest: order.digest, at, ...(why !== undefined && { why }) });

/** The step that is going on, for the report of a failure. */
let at = "the first checkout";

async function main(): Promise<void> {
  if (isProvisioned(ship)) return say("done", at);
  say("running", at);
  if (!(await lockInstance(ship))) throw new Error("a crew is at work on this ship, and provision steps run before it begins");
  putBack(ship);
  const tree = new Tree(ship, journal, PATIENCE_MS);
  const branch = ship.config.stack;
  await tree.reset(branch, `refs/remotes/origin/${branch}`, orders.signal);

  const { TMUX: _session, TMUX_PANE: _pane, ...env } = withoutGit(process.env);
  for (const [index, step] of order.steps.entries()) {
    at = `step ${index + 1} of ${order.steps.length} (${step.run.slice(0, 500)})`;
    say("running", at);
    journal.note("provision", `provision ${at}`);
    const seconds = await runStep({
      ...step,
      cwd: ship.workspace,
      env: { ...env, ...identityOf(ship), SHIP: ship.config.ship, VOYAGE: ship.config.voyageId },
      log: join(ship.logs, "provision.log"),
      signal: orders.signal,
    });
    journal.note("provision", `provision ${at} done in ${seconds.toFixed(1)} s`, { seconds });
  }
  at = "what the steps have made";
  const unknown = await tree.backToCommit(orders.signal);
  if (unknown.length > 0)
    throw new Error(
      `git does not ignore ${unknown.slice(0, 5).join(", ")}${unknown.length > 5 ? ` and ${unknown.length - 5} more` : ""}: no task would find it. List it in the repository's .gitignore, or in .git/info/exclude by a step`,
    );
  journal.note("provisioned", "provisioned");
  say("done", at);
}

const hold = new Hold(journal);
const holding = setInterval(() => void hold.refresh(), HOLD_EVERY_MS + 1000);
try {
  await hold.refresh();
  await main();
} catch (error) {
  const why = (error as Error).message;
  journal.note("provision-failed", `provision ${at}: ${why}`);
  // After an order to end, another attempt is about to begin, or nobody waits: then nothing is reported.
  if (!orders.signal.aborted) say("failed", at, why);
  process.exitCode = 1;
} finally {
  clearInterval(holding);
  await hold.giveBack();
}
process.exit();
