import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { OcaptainError } from "../base/errors.ts";
import { freePort } from "../base/free-port.ts";
import { acquireOsLock } from "../base/os-lock.ts";
import { helmHome, voyageFolderAt } from "../base/paths.ts";
import { holderOf } from "../base/port-holder.ts";
import type { Health } from "../protocol/admin-api.ts";
import { HELM_PORT } from "../tailnet/policy/policy-rules.ts";
import { lastWords, startDetached, waitForWord } from "./detached.ts";
import { daemonEnvironment, daemonTmp } from "./environment.ts";
import { lossOf } from "./health.ts";
import { HELM_EXIT, HELM_MAIN, helmBuild } from "./helm-build.ts";
import { type HelmClient, helmClient } from "./helm-client.ts";
import { helmPort, isPortChosen, keepHelmPort } from "./helm-port.ts";

const START_MS = 20_000;
const STOP_MS = 10_000;

/** What it runs. */
export const HELM_PROGRAMS = ["git"];

let ownBuild: Promise<string> | undefined;

/**
 * The running helm of this code; one of other code is restarted, a missing one started (detached, with an environment from an allow-list).
 * When another program holds the port, and nobody has said that it must be this one, a free port is found and kept. `tailnet`: the caller's ships reach
 * 4318 alone.
 * Throws `PORT_BUSY`, `HELM_SILENT` when one runs and does not answer, `HELM_START` with the log's tail when it does not come up in 20 s.
 */
export async function ensureHelm({ tailnet = false } = {}): Promise<HelmClient> {
  const client = helmClient();
  // The source is read once, not for each ship, and again when a helm was started of what it is by then.
  ownBuild ??= helmBuild();
  const build = await ownBuild;
  daemonTmp(); // also one that was cleared away under a helm that runs
  const fits = async () => {
    const health = await healthOf(client);
    return health?.build === build && lossOf(health.pid, HELM_PROGRAMS) === null;
  };
  if (await fits()) return client;
  // One starter at a time; who waited here finds it started.
  const lock = await acquireOsLock(join(helmHome(), "starter.sqlite"), { timeoutMs: START_MS + STOP_MS });
  try {
    if (await fits()) return client;
    ownBuild = undefined;
    await stopHelm();
    if ((await start(client)) === "port busy") await startElsewhere(client, tailnet);
    return client;
  } finally {
    lock.release();
  }
}

/** Ends the running helm, if there is one, and returns when it is gone. Throws `HELM_STOP`. */
export async function stopHelm(): Promise<void> {
  const client = helmClient();
  const health = await healthOf(client);
  if (!health) return;
  await client.shutdown().catch(() => {});
  if (await ends(health.pid, STOP_MS)) return;
  process.kill(health.pid, "SIGKILL");
  if (!(await ends(health.pid, STOP_MS)))
    throw new OcaptainError("HELM_STOP", `the helm (pid ${health.pid}) does not end`, { hint: `kill -9 ${health.pid}` });
}

async function startElsewhere(client: HelmClient, tailnet: boolean): Promise<void> {
  const taken = helmPort();
  const free = await freePort();
  const bound = isPortChosen() ? "chosen" : tailnet || (await sailsInTailnet()) ? "tailnet" : "";
  if (!bound) {
    await keepHelmPort(free);
    if ((await start(client)) !== "port busy") return;
  }
  const hint =
    bound === "tailnet"
      ? `end that program, then pulumi up: ships of a tailnet reach the captain at port ${HELM_PORT} alone`
      : `OCAPTAIN_HELM_PORT=${free} pulumi up`;
  throw new OcaptainError("PORT_BUSY", `port ${taken}, where the helm serves ships, is held by ${holderOf(taken)}`, { hint });
}

/** Does a voyage that the helm knows have a tailnet? By files: no helm runs now. */
async function sailsInTailnet(): Promise<boolean> {
  const json = async (file: string) => JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as Record<string, unknown>;
  const known = Object.values(await json(join(helmHome(), "voyages.json"))) as { folder: string; stack: string }[];
  const files = await Promise.all(known.map(({ folder, stack }) => json(voyageFolderAt(folder, stack).voyageFile)));
  return files.some(({ control, sunkAt }) => control !== undefined && sunkAt === undefined);
}

async function start(client: HelmClient): Promise<"port busy" | undefined> {
  mkdirSync(helmHome(), { recursive: true, mode: 0o700 });
  const logFile = join(helmHome(), "output.log");
  const daemon = startDetached(process.execPath, [HELM_MAIN], { env: daemonEnvironment("helm"), logFile });
  // "locked": another helm is coming up or going down, and the next look sees which.
  if (await waitForWord(daemon, () => healthOf(client), { timeoutMs: START_MS, yields: HELM_EXIT.locked })) return undefined;
  if (daemon.exitCode === HELM_EXIT.portBusy) return "port busy";
  throw new OcaptainError("HELM_START", `the helm did not come up in ${START_MS / 1000} s: ${lastWords(logFile)}`, {
    hint: `cat ${join(helmHome(), "helm.log")}`,
  });
}

async function healthOf(client: HelmClient): Promise<Health | null> {
  return client.health().catch((error: unknown) => {
    if (error instanceof OcaptainError && error.code === "HELM_DOWN") return null;
    throw error;
  });
}

async function ends(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await delay(25);
  }
  return false;
}
