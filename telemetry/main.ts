import { mkdirSync, rmSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { acquireOsLock } from "../lib/base/os-lock.ts";
import { telemetryHome, telemetrySocket } from "../lib/base/paths.ts";
import { intakeServer } from "./server.ts";
import { Store } from "./store/store.ts";

/**
 * The telemetry process: the helm starts it beside itself (helm/telemetry/), as `node telemetry/main.ts`, and holds its
 * standard input open; when that ends, however the helm has ended, this process writes what it has and ends too.
 */

const MiB = 1024 * 1024;
const mostMiB = Number(process.env.OCAPTAIN_TELEMETRY_MIB) || 1024;
const bounds = { flushMs: 10_000, flushRows: 20_000, mostWaiting: 200_000, mostBytes: mostMiB * MiB };

// Grants go before it where the processor is short.
setPriority(10);
mkdirSync(telemetryHome(), { recursive: true, mode: 0o700 });
// The one of a helm that was killed may still write what it has.
await acquireOsLock(join(telemetryHome(), "lock.sqlite"), { timeoutMs: 30_000 });
const store = await Store.open(join(telemetryHome(), "buffer.duckdb"), bounds);
store.onError = (error) => {
  console.error(new Date().toISOString(), error);
  // The engine takes no more once a write has failed, as on a full disk; what is on disk is read by the next process.
  if (/FATAL|invalidated/.test(String(error))) process.exit(1);
};
const server = intakeServer(store);
rmSync(telemetrySocket(), { force: true });
const umask = process.umask(0o177);
server.listen(telemetrySocket(), () => {
  process.umask(umask);
  console.log("ready");
});

let ending = false;
const end = async () => {
  if (ending) return;
  ending = true;
  server.close();
  await store.close().catch(store.onError);
  process.exit(0);
};
process.stdin.resume().on("end", end).on("error", end);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, end);
process.on("SIGHUP", () => {});
