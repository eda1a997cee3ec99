import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { explain, OcaptainError } from "../lib/base/errors.ts";
import { acquireOsLock, type OsLock } from "../lib/base/os-lock.ts";
import { harborHome, harborInfoFile } from "../lib/base/paths.ts";
import { type HarborInfo, NOT_ISOLATED, runningHarbor, stopHarbor } from "../lib/daemons/harbor.ts";
import { harborClaude } from "../lib/daemons/harbor-claude.ts";
import { startHarbor } from "./harbor.ts";
import { accountLimits } from "./sprites/account.ts";
import { realClock } from "./sprites/clock.ts";
import { latencyProfile } from "./sprites/latency.ts";
import { loadRecords } from "./sprites/sprite-records.ts";
import { probeConfinement } from "./vm/confinement.ts";
import { probeUnconfined } from "./vm/unconfined.ts";

/**
 * Runs the harbor as a process. One at a time may use `harborHome()`: the lock is the kernel's, so a killed harbor
 * never blocks the next.
 *
 *     node harbor/main.ts [--latency none|realistic]   run until a signal or --stop; a second one only names the first
 *       --unconfined                                where bubblewrap cannot run: ships are plain processes
 *       --account level-10                          with the limits of such an account; default: none
 *       --net isolated                              as root: a network of its own for each ship; default: shared
 *     node harbor/main.ts --info                       {"url","token"} of the running one; status 1 without
 *     node harbor/main.ts --stop
 *
 * OCAPTAIN_HARBOR_LATENCY, OCAPTAIN_HARBOR_ACCOUNT, OCAPTAIN_HARBOR_NET, OCAPTAIN_HARBOR_IDLE_MS and
 * OCAPTAIN_HARBOR_COLD_MS take the place of options that are not given.
 */
const options = {
  latency: { type: "string" },
  account: { type: "string" },
  unconfined: { type: "boolean", default: false },
  net: { type: "string" },
  /** A voyage has started this harbor, and ends it again when the last ship is gone. */
  background: { type: "boolean", default: false },
  info: { type: "boolean" },
  stop: { type: "boolean" },
} as const;

const out = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  if (values.info) return printInfo();
  if (values.stop) return stopHarbor();
  await run(values.latency ?? process.env.OCAPTAIN_HARBOR_LATENCY ?? "none", values);
}

async function printInfo(): Promise<void> {
  const info = await runningHarbor();
  if (!info) throw new OcaptainError("HARBOR_ABSENT", "no harbor runs", { hint: "npm run harbor" });
  const { url, token, captainAddress } = info;
  out(JSON.stringify({ url, token, captainAddress }));
}

async function run(
  latency: string,
  { background, unconfined: asked, account, net }: { background: boolean; unconfined: boolean; account?: string; net?: string },
): Promise<void> {
  const profile = latencyProfile(latency);
  const limits = accountLimits(account ?? (process.env.OCAPTAIN_HARBOR_ACCOUNT || "none"));
  const isolated = isIsolated(net ?? (process.env.OCAPTAIN_HARBOR_NET || "shared"), asked);
  if (isolated) ownGroupOnly();
  mkdirSync(harborHome(), { recursive: true, mode: 0o700 });
  const lock = await lockOrWhoRuns();
  if (!lock) return;
  rmSync(harborInfoFile(), { force: true });
  const unconfined = await chooseKind(asked, isolated);

  const end = new Promise<string>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve(signal));
    startHarbor({
      home: harborHome(),
      latency: profile,
      account: limits,
      unconfined,
      isolated,
      idleMs: numberOf("OCAPTAIN_HARBOR_IDLE_MS") ?? 30_000,
      coldMs: numberOf("OCAPTAIN_HARBOR_COLD_MS") ?? 600_000,
      most: {
        ...wished("memoryMiB", "OCAPTAIN_HARBOR_MEMORY_MIB"),
        ...wished("processes", "OCAPTAIN_HARBOR_PROCESSES"),
        ...wished("diskMiB", "OCAPTAIN_HARBOR_DISK_MIB"),
      },
      event: (text) => out(`${new Date(realClock.now()).toISOString()} ${text}`),
      onShutdown: () => resolve("--stop"),
    }).then((started) => {
      harbor = started;
      const { url, token, captainAddress, limits } = started;
      const claude = harborClaude()?.found ?? "";
      writeInfo({ url, token, pid: process.pid, background, unconfined, isolated, captainAddress, claude });
      out(welcome(url, latency, unconfined, captainAddress, limits));
    }, fail);
  });
  let harbor: Awaited<ReturnType<typeof startHarbor>> | undefined;
  out(`the harbor ends (${await end})`);
  rmSync(harborInfoFile(), { force: true });
  await harbor?.close();
  lock.release();
  process.exit(0);
}

/**
 * Whether new ships are unconfined; ships that exist stay what they are. Where no ship can be confined, a harbor that
 * has unconfined ships makes unconfined ones, also when it is started by somebody who does not know of them.
 * @throws OcaptainError UNCONFINED when neither kind can run here, or the wish for confinement cannot be met
 */
async function chooseKind(unconfined: boolean, isolated: boolean): Promise<boolean> {
  if (!unconfined) {
    const problem = await probeConfinement().catch((error: unknown) => error);
    if (!problem) return false;
    if (isolated || !loadRecords(harborHome()).records.some((record) => record.unconfined)) throw problem;
  }
  probeUnconfined();
  return true;
}

/**
 * Gives up this process's supplementary groups, which the processes of a confined ship inherit and cannot give up
 * themselves. A ship's account has its own group alone, and Tailscale SSH without root logs nobody in whose account has
 * other groups than itself.
 */
const ownGroupOnly = () => process.getuid?.() === 0 && process.setgroups?.([process.getgid?.() ?? 0]);

/**
 * Whether ships are to have networks of their own.
 * @throws OcaptainError USAGE for an unknown network, and for one that unconfined ships cannot have
 */
function isIsolated(net: string, unconfined: boolean): boolean {
  if (net !== "shared" && net !== "isolated")
    throw new OcaptainError("USAGE", `the harbor knows no network "${net}" for ships`, {
      hint: "npm run harbor -- --net shared  # or isolated; OCAPTAIN_HARBOR_NET in the environment says the same",
    });
  if (net === "isolated" && unconfined)
    throw new OcaptainError("USAGE", "unconfined ships are plain processes and have no network of their own", {
      hint: "take one of the two: --unconfined, or --net isolated (OCAPTAIN_HARBOR_NET)",
    });
  return net === "isolated";
}

/**
 * Takes the harbor's lock; undefined, after naming it, when another harbor runs. A harbor that is starting or ending is
 * waited for.
 * @throws OcaptainError HARBOR_SILENT when the holder of the lock does not answer
 */
async function lockOrWhoRuns(): Promise<OsLock | undefined> {
  for (let tries = 0; tries < 200; tries++) {
    const lock = await acquireOsLock(join(harborHome(), "lock.sqlite"), { timeoutMs: 0 }).catch((error: unknown) => {
      if (error instanceof OcaptainError && error.code === "LOCKED") return undefined;
      throw error;
    });
    if (lock) return lock;
    const info = await runningHarbor();
    if (info) {
      out(`a harbor runs already: ${info.url} (process ${info.pid}); npm run -s harbor -- --info prints its token`);
      return undefined;
    }
    await delay(100);
  }
  throw new OcaptainError("HARBOR_SILENT", `another harbor holds ${harborHome()} and does not answer`, {
    hint: `ps -ef | grep harbor/main.ts`,
  });
}

function writeInfo(info: HarborInfo): void {
  const draft = `${harborInfoFile()}.new`;
  writeFileSync(draft, JSON.stringify(info), { mode: 0o600 });
  renameSync(draft, harborInfoFile());
}

/** A variable that is a number above 0; undefined when it is not set. @throws OcaptainError USAGE */
function numberOf(variable: string): number | undefined {
  const text = process.env[variable];
  if (!text) return undefined;
  if (Number(text) > 0) return Number(text);
  throw new OcaptainError("USAGE", `${variable} is "${text}", which is not a number above 0`, { hint: `unset ${variable}` });
}

const wished = (key: "memoryMiB" | "processes" | "diskMiB", variable: string) => {
  const number = numberOf(variable);
  return number === undefined ? {} : { [key]: Math.ceil(number) };
};

const welcome = (
  url: string,
  latency: string,
  unconfined: boolean,
  captainAddress: string | undefined,
  limits: string,
) => `The harbor listens at ${url} (latency: ${latency}; files: ${harborHome()}).${unconfined ? `\nUNCONFINED: ${NOT_ISOLATED}.` : ""}${captainAddress ? `\nEach ship has a network of its own; they reach this side at ${captainAddress}.` : ""}
Limits: ${limits}.
It serves the sprites API; the token is in \`npm run -s harbor -- --info\`. To try it:
  info=$(npm run -s harbor -- --info); url=$(echo "$info" | cut -d'"' -f4); token=$(echo "$info" | cut -d'"' -f8)
  curl -H "Authorization: Bearer $token" -d '{"name":"dinghy"}' $url/v1/sprites
  curl -H "Authorization: Bearer $token" -X POST "$url/v1/sprites/dinghy/exec?cmd=uname&cmd=-a" --output -
  curl -H "Authorization: Bearer $token" -X DELETE $url/v1/sprites/dinghy
Ctrl-C ends it and its ships' processes; their files stay. What happens:`;

function fail(error: unknown): void {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}

main().catch(fail);
