import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { explain, OcaptainError } from "../base/errors.ts";
import { freePort } from "../base/free-port.ts";
import { acquireOsLock } from "../base/os-lock.ts";
import { helmHome, voyageFolderAt } from "../base/paths.ts";
import { holderOf } from "../base/port-holder.ts";
import type { Health } from "../protocol/admin-api.ts";
import { HELM_PORT } from "../tailnet/policy/policy-rules.ts";
import { type DetachedProcess, lastWords, startDetached, waitForWord } from "./detached.ts";
import { daemonEnvironment, daemonTmp } from "./environment.ts";
import { lossOf } from "./health.ts";
import { HELM_EXIT, HELM_MAIN, helmBuild } from "./helm-build.ts";
import { type HelmClient, helmClient } from "./helm-client.ts";
import { helmPort, isPortChosen, keepHelmPort } from "./helm-port.ts";
import { installedService, notStarted, serviceLog, startByService } from "./helm-service.ts";

/** A busy machine takes long to start a helm; one that ends instead is noticed at once. */
const START_MS = 60_000;
const STOP_MS = 10_000;

/** The programs that a helm runs, and cannot work without. */
export const HELM_PROGRAMS = ["git"];

let ownBuild: Promise<string> | undefined;

/**
 * Returns a client of a running helm of this very code: starts a missing helm as a daemon, and restarts one of other
 * code. When another program holds the port, and nobody has said that it must be this port, a free one is found and
 * kept.
 *
 * @param options.tailnet whether the caller's ships are in a tailnet, where they reach port 4318 alone
 * @throws OcaptainError PORT_BUSY; HELM_SILENT when a helm runs and does not answer; HELM_START with the end of its log
 * when it ends, or after 60 s
 */
export async function ensureHelm({ tailnet = false } = {}): Promise<HelmClient> {
  const client = helmClient();
  // The source is read once and not for each ship; it is read again when a helm was started, from what it is by then.
  ownBuild ??= helmBuild();
  const build = await ownBuild;
  daemonTmp(); // The folder may also have been cleared away under a helm that runs.
  const fits = async () => {
    const health = await healthOf(client);
    return health?.build === build && lossOf(health.pid, HELM_PROGRAMS) === null;
  };
  if (await fits()) return client;
  // One starter works at a time; whoever waited here finds the helm started.
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

/**
 * Ends the running helm, if there is one, and returns when it is gone.
 * @throws OcaptainError HELM_STOP
 */
export async function stopHelm(): Promise<void> {
  const client = helmClient();
  const health = await healthOf(client);
  if (!health) return;
  await client.shutdown().catch(() => {});
  if (await ends(health.pid, STOP_MS)) return;
  process.kill(health.pid, "SIGKILL");
  if (!(await ends(health.pid, STOP_MS)))
    throw new OcaptainError("HELM_STOP", `the helm (process ${health.pid}) does not end`, { hint: `kill -9 ${health.pid}` });
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

/** Tells whether a voyage that the helm knows has a tailnet. It looks at files, since no helm runs now. */
async function sailsInTailnet(): Promise<boolean> {
  const json = async (file: string) => JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as Record<string, unknown>;
  const known = Object.values(await json(join(helmHome(), "voyages.json"))) as { folder: string; stack: string }[];
  const files = await Promise.all(known.map(({ folder, stack }) => json(voyageFolderAt(folder, stack).voyageFile)));
  return files.some(({ control, sunkAt }) => control !== undefined && sunkAt === undefined);
}

async function start(client: HelmClient): Promise<"port busy" | undefined> {
  mkdirSync(helmHome(), { recursive: true, mode: 0o700 });
  const logFile = serviceLog();
  const daemon =
    (await startServed()) ?? startDetached(process.execPath, [HELM_MAIN], { env: daemonEnvironment("helm"), logFile });
  // On a busy machine a helm that has just begun to listen may take seconds for its first answer.
  const look = () => healthOf(client).catch((error: unknown) => notYet(error));
  // The status "locked" means that another helm is coming up or going down, and the next look sees which.
  if (await waitForWord(daemon, look, { timeoutMs: START_MS, yields: HELM_EXIT.locked })) return undefined;
  if (daemon.exitCode === HELM_EXIT.portBusy) return "port busy";
  throw new OcaptainError("HELM_START", `the helm did not come up in ${START_MS / 1000} s: ${lastWords(logFile)}`, {
    hint: `cat ${join(helmHome(), "helm.log")}`,
  });
}

/**
 * Has the service that is installed start the helm; undefined where none is, or where it cannot, so that the voyages
 * are not without a helm.
 */
async function startServed(): Promise<Pick<DetachedProcess, "exitCode"> | undefined> {
  const kind = installedService();
  if (!kind) return undefined;
  try {
    await startByService(kind);
  } catch (error) {
    console.error(`the helm is started without its service: ${explain(error)}`);
    return undefined;
  }
  return {
    get exitCode() {
      return notStarted();
    },
  };
}

/** Gives null for the error of a helm that does not answer in time, and throws all others. */
function notYet(error: unknown): null {
  if (error instanceof OcaptainError && ["HELM_SILENT", "HELM_TIMEOUT"].includes(error.code)) return null;
  throw error;
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
