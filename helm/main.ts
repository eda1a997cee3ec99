import { chmodSync, mkdirSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { explain, OcaptainError } from "../lib/base/errors.ts";
import { acquireOsLock } from "../lib/base/os-lock.ts";
import { helmHome, helmSocket } from "../lib/base/paths.ts";
import { HELM_EXIT, helmBuild } from "../lib/daemons/helm-build.ts";
import { helmPort } from "../lib/daemons/helm-port.ts";
import { noteHelmProcess } from "../lib/daemons/helm-process.ts";
import { noteNotStarted } from "../lib/daemons/helm-service.ts";
import { Listeners } from "./listeners.ts";
import { openLog } from "./log.ts";
import { pageRoots } from "./page/roots.ts";
import { PageServer } from "./page/server.ts";
import { adminServer } from "./server/admin-server.ts";
import { shipServer } from "./server/ship-server.ts";
import { Intake } from "./telemetry/intake.ts";
import { Programs } from "./telemetry/programs.ts";
import { Voyages } from "./voyages.ts";

/** The helm: one process for each captain, for all voyages. `lib/daemons/helm.ts` starts it as `node helm/main.ts`. */

/** How often a helm without a voyage looks whether somebody still looks at its page. */
const IDLE_LOOK_MS = 60_000;
const YOUNG_SECONDS = 30 * 60;

const log = openLog(join(helmHome(), "helm.log"));
mkdirSync(helmHome(), { recursive: true, mode: 0o700 });
chmodSync(helmHome(), 0o700);

async function main(): Promise<void> {
  // Where two are started at one time, one becomes the helm and the other leaves.
  await acquireOsLock(join(helmHome(), "lock.sqlite"), { timeoutMs: 0 });
  const startedAt = new Date().toISOString();
  const build = await helmBuild();
  const intake = new Intake(log);
  const telemetry = { intake, programs: new Programs(intake, log) };
  const listeners: Listeners = new Listeners(() => shipServer(voyages, log, telemetry), log);
  const voyages = new Voyages(log, listeners);

  // The port is taken before anything is opened, so that a stranger on it is noticed at once; ships are told 503 until
  // all voyages are open.
  const ships = shipServer(voyages, log, telemetry);
  const port = await listen(ships, { host: "127.0.0.1", port: helmPort() });
  listeners.start(port);
  await noteHelmProcess();
  const page = new PageServer(pageRoots(voyages), log);
  voyages.pageAt = () => page.address;
  const health = () => ({ pid: process.pid, port, build, startedAt, voyages: voyages.ids() });
  let ending = false;
  const end = (why: string, exitCode = 0) => {
    if (ending) return;
    ending = true;
    log("ending", { why });
    page.close();
    voyages.end();
    listeners.close();
    telemetry.programs.close();
    intake.end();
    rmSync(helmSocket(), { force: true });
    process.exit(exitCode);
  };
  await voyages.start();
  await telemetry.programs.open(port);
  await page.start();
  const admin = adminServer({ voyages, log, health, page, end, telemetry });
  rmSync(helmSocket(), { force: true });
  const umask = process.umask(0o177);
  await listen(admin, { path: helmSocket() });
  process.umask(umask);

  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => end(signal));
  // A helm that nobody sails by stays for the page, and for as long as somebody looks at it.
  setInterval(() => {
    const isIdle = voyages.ids().length === 0 && telemetry.programs.state === null;
    // A young one may have been started for a voyage that is about to be registered.
    if (isIdle && page.isOpen && !page.isNeeded() && process.uptime() > YOUNG_SECONDS)
      end("no voyage is left, and nobody looks at the page");
  }, IDLE_LOOK_MS).unref();
  process.on("SIGHUP", () => {});
  process.on("uncaughtException", (error) => {
    log("crash", { error: error.stack ?? String(error) });
    end("crash", 1);
  });
  log("started", { ...health() });
}

function listen(server: Server, where: { host: string; port: number } | { path: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "string" ? 0 : (address as AddressInfo).port);
    });
  });
}

main().catch(async (error: NodeJS.ErrnoException) => {
  const locked = error instanceof OcaptainError && error.code === "LOCKED";
  const busy = error.code === "EADDRINUSE";
  log(locked ? "already-running" : "not-started", { error: explain(error) });
  if (!locked) console.error(explain(error));
  const status = locked ? HELM_EXIT.locked : busy ? HELM_EXIT.portBusy : 1;
  await noteNotStarted(status).catch(() => {}); // The exit status says the same.
  process.exit(status);
});
