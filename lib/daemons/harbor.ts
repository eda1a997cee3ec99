import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { isAlive } from "../base/alive.ts";
import { OcaptainError } from "../base/errors.ts";
import { harborHome, harborInfoFile } from "../base/paths.ts";
import { programFile } from "../base/program-file.ts";
import { lastWords, startDetached, waitForWord } from "./detached.ts";
import { daemonEnvironment } from "./environment.ts";
import { harborClaude } from "./harbor-claude.ts";

const HarborInfo = z.object({
  url: z.url(),
  token: z.string(),
  pid: z.number().int(),
  background: z.boolean().default(false),
  /** Whether the ships that it makes are plain processes of the user. */
  unconfined: z.boolean().default(false),
  /** Whether the ships that it makes have networks of their own. */
  isolated: z.boolean().default(false),
  /** The address at which ships with networks of their own reach the captain's side, whichever harbor made them. */
  captainAddress: z.string().optional(),
  /** The path at which it found the Claude Code that its ships have; "" when it found none, or is too old to say. */
  claude: z.string().default(""),
});
export type HarborInfo = z.infer<typeof HarborInfo>;

/** The warning to everybody who uses unconfined ships. */
export const NOT_ISOLATED =
  "ships are not confined: they are plain processes of yours, can read and change all your files, and see and end all your processes; only home, temporary folder and tmux server are their own";

export type HarborWish = { latency?: string; unconfined?: boolean | undefined };

const HEALTH_TIMEOUT_MS = 2_000;
/** A busy machine takes long to start a harbor; one that ends instead is noticed at once. */
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

const logFile = () => join(harborHome(), "harbor.log");

/** Returns the harbor that last wrote down where it listens. Whether it still listens is not looked at. */
export function knownHarbor(): HarborInfo | undefined {
  try {
    return HarborInfo.parse(JSON.parse(readFileSync(harborInfoFile(), "utf8")));
  } catch {
    return undefined;
  }
}

/** Returns the harbor that runs, found by a call with its token; undefined when none does. */
export async function runningHarbor(): Promise<HarborInfo | undefined> {
  const info = knownHarbor();
  if (!info) return undefined;
  const reply = await ask(info, "GET", "/v1/sprites?max_results=1").catch(() => undefined);
  return reply?.status === 200 ? info : undefined;
}

/**
 * Returns the running harbor, or starts one in the background that outlives the caller. Callers may race: one harbor
 * comes of it.
 *
 * @param options.unconfined whether a harbor that is started here confines what ships it makes; one that runs stays
 * what it is: {@link harborOfKind}
 * @param options.latency profile of a harbor that is started here: `none` or `realistic`; default
 * OCAPTAIN_HARBOR_LATENCY, else `none`
 * @throws OcaptainError HARBOR_START with the end of its log
 */
export async function ensureHarbor(options: HarborWish = {}): Promise<HarborInfo> {
  const running = await runningHarbor();
  if (running) return running;
  // One start a process at a time: sixteen ships ask at once.
  starting ??= startHarbor(options).finally(() => {
    starting = undefined;
  });
  return starting;
}

let starting: Promise<HarborInfo> | undefined;

async function startHarbor(options: HarborWish): Promise<HarborInfo> {
  mkdirSync(harborHome(), { recursive: true, mode: 0o700 });
  const latency = options.latency ?? process.env.OCAPTAIN_HARBOR_LATENCY ?? "none";
  const daemon = startDetached(
    process.execPath,
    [programFile("harbor/main"), "--background", "--latency", latency, ...(options.unconfined ? ["--unconfined"] : [])],
    { env: daemonEnvironment("harbor"), logFile: logFile(), log: "append" },
  );
  // A harbor that finds another one ends with status 0, and that other one answers soon.
  const info = await waitForWord(daemon, runningHarbor, { timeoutMs: START_TIMEOUT_MS, yields: 0 });
  if (info) return info;
  throw new OcaptainError("HARBOR_START", `the harbor did not start; the end of its log ${logFile()}:\n${lastWords(logFile())}`, {
    hint: "npm run harbor",
  });
}

/**
 * Returns a harbor whose ships are confined, or not, as the caller's voyage wants them. A harbor of the other kind is
 * exchanged for one of this kind when it was started in the background and has no ship.
 * @throws OcaptainError HARBOR_KIND when the one that runs is of the other kind and in use; else as {@link
 * ensureHarbor}
 */
export async function harborOfKind(unconfined: boolean): Promise<HarborInfo> {
  let info = await ensureHarbor({ unconfined });
  // Callers may race: another one has ended it meanwhile; or a harbor of theirs that starts late takes the place of one
  // that was ended.
  for (let tries = 0; tries < 4 && info.unconfined !== unconfined; tries++) {
    await stopIfIdle(info);
    info = await ensureHarbor({ unconfined });
  }
  if (info.unconfined !== unconfined) throw otherKind(info);
  return info;
}

/**
 * Ends a harbor without ships when it has another Claude Code than this process would give to ships, so that the next
 * one has this one.
 */
export async function harborWithClaude(): Promise<void> {
  const mine = harborClaude()?.found;
  const info = knownHarbor();
  if (info && mine && info.claude !== mine) await stopIfIdle(info);
}

/** Returns what {@link harborOfKind} would throw, or undefined. It only looks, and starts and ends nothing. */
export async function harborKindProblem(unconfined: boolean): Promise<OcaptainError | undefined> {
  const info = await runningHarbor();
  return !info || info.unconfined === unconfined || (await harborIsIdle(info)) ? undefined : otherKind(info);
}

function otherKind({ pid, unconfined }: HarborInfo): OcaptainError {
  const wish = unconfined
    ? "does not confine its ships, and this voyage wants confined ones"
    : "confines its ships, and this voyage wants unconfined ones";
  return new OcaptainError("HARBOR_KIND", `the harbor that runs (process ${pid}) ${wish}`, {
    hint: `take what it has: pulumi config set ocaptain:unconfined ${unconfined}; or end it: npm run harbor -- --stop (its ships' processes end, their files stay)`,
  });
}

/** Ends a harbor that `ensureHarbor` started, once it has no ship left; one that somebody runs in a terminal stays. */
export async function stopHarborIfIdle(): Promise<void> {
  const info = knownHarbor();
  if (info) await stopIfIdle(info);
}

const stopIfIdle = async (info: HarborInfo) => void ((await harborIsIdle(info)) && (await stop(info)));

/** Tells whether a harbor was started in the background, answers and has no ship. */
export async function harborIsIdle(info: HarborInfo): Promise<boolean> {
  if (!info.background) return false;
  const reply = await fetch(`${info.url}/v1/sprites?max_results=1`, {
    headers: { authorization: `Bearer ${info.token}` },
    signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
  }).catch(() => undefined);
  if (reply?.status !== 200) return false;
  const { sprites } = (await reply.json()) as { sprites: unknown[] };
  return sprites.length === 0;
}

/**
 * Ends the running harbor and its ships' processes; their files stay. Quiet when none runs.
 * @throws OcaptainError HARBOR_STOP when it still answers after 20 s
 */
export async function stopHarbor(): Promise<void> {
  const info = await runningHarbor();
  if (info) await stop(info);
}

async function stop(info: HarborInfo): Promise<void> {
  await ask(info, "POST", "/__harbor/shutdown").catch(() => undefined);
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (!isAlive(info.pid)) return;
    await delay(POLL_MS);
  }
  throw new OcaptainError("HARBOR_STOP", `the harbor (process ${info.pid}) did not end in ${STOP_TIMEOUT_MS / 1000} s`, {
    hint: `kill ${info.pid}`,
  });
}

async function ask(info: HarborInfo, method: string, path: string): Promise<Response> {
  const reply = await fetch(info.url + path, {
    method,
    headers: { authorization: `Bearer ${info.token}` },
    signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
  });
  await reply.arrayBuffer();
  return reply;
}
