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
import { Doors } from "./listeners.ts";
import { openLog } from "./log.ts";
import { adminServer } from "./server/admin-server.ts";
import { shipServer } from "./server/ship-server.ts";
import { Fleet } from "./voyages.ts";

/** The helm: one process a captain, for all voyages. `node helm/main.ts`; started by ensureHelm (lib/daemons/helm.ts). */

const log = openLog(join(helmHome(), "helm.log"));
mkdirSync(helmHome(), { recursive: true, mode: 0o700 });
chmodSync(helmHome(), 0o700);

async function main(): Promise<void> {
  // Two starters: one becomes the helm, the other leaves.
  await acquireOsLock(join(helmHome(), "lock.sqlite"), { timeoutMs: 0 });
  const startedAt = new Date().toISOString();
  const build = await helmBuild();
  const doors: Doors = new Doors(() => shipServer(fleet, log), log);
  const fleet = new Fleet(log, doors);

  // The port is ours before anything is opened, so that a stranger's is known at once; ships are told 503 until all is.
  const ships = shipServer(fleet, log);
  const port = await listen(ships, { host: "127.0.0.1", port: helmPort() });
  doors.start(port);
  await noteHelmProcess();
  const health = () => ({ pid: process.pid, port, build, startedAt, voyages: fleet.ids() });
  let ending = false;
  const end = (why: string, exitCode = 0) => {
    if (ending) return;
    ending = true;
    log("ending", { why });
    fleet.end();
    doors.close();
    rmSync(helmSocket(), { force: true });
    process.exit(exitCode);
  };
  await fleet.start();
  const admin = adminServer({ fleet, log, health, end });
  rmSync(helmSocket(), { force: true });
  const umask = process.umask(0o177);
  await listen(admin, { path: helmSocket() });
  process.umask(umask);

  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => end(signal));
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

main().catch((error: NodeJS.ErrnoException) => {
  const locked = error instanceof OcaptainError && error.code === "LOCKED";
  const busy = error.code === "EADDRINUSE";
  log(locked ? "already-running" : "not-started", { error: explain(error) });
  if (!locked) console.error(explain(error));
  process.exit(locked ? HELM_EXIT.locked : busy ? HELM_EXIT.portBusy : 1);
});
