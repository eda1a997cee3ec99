import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { OcaptainError } from "../../base/errors.ts";
import { acquireOsLock } from "../../base/os-lock.ts";
import { captainNodeHome } from "../../base/paths.ts";
import { lastWords, startDetached, waitForWord } from "../../daemons/detached.ts";
import { daemonEnvironment } from "../../daemons/environment.ts";
import { captainId } from "../../voyage/captain-id.ts";
import { nodeOfCaptain, removeNodes } from "../control/nodes.ts";
import { CAPTAIN_TAG, type TailnetControl } from "../control/types.ts";
import { captainTailscale, ownSocket } from "./captain.ts";
import { captainArch, tailscaleParts } from "./parts.ts";
import { tailscaledEnvironment } from "./ship-node.ts";
import type { Tailscale, TailscaleStatus } from "./tailscale-cli.ts";

/**
 * The captain's own node (`ocaptain:captainNode: own`): a tailscaled in userspace, of this project, for machines that have none. It needs no root;
 * what ships send to port 4318 of its address it delivers to loopback. One a captain, for all voyages that ask for it; the last one's end is its end.
 */

const START_MS = 10_000;
const STOP_MS = 10_000;
const JOIN_SECONDS = 40;
const LOOK_MS = 50;

const home = () => captainNodeHome();
const stateFolder = () => join(home(), "state");
/** Of which control plane it is. */
const controlFile = () => join(home(), "control");
const pidFile = () => join(home(), "pid");
const usersFolder = () => join(home(), "users");

/**
 * Sees to it that the captain's own node runs and is in the tailnet, in the name of a voyage.
 * @throws OcaptainError OWN_NODE with tailscaled's or the control plane's words
 */
export async function ensureOwnNode(control: TailnetControl, of: { stack: string; voyageId: string }): Promise<void> {
  await alone(async () => {
    await mkdir(usersFolder(), { recursive: true, mode: 0o700 });
    const here = control.loginServer ?? "Tailscale";
    const there = await readFile(controlFile(), "utf8").catch(() => here);
    const others = (await readdir(usersFolder())).filter((user) => user !== of.voyageId);
    if (there !== here && others.length > 0)
      throw new OcaptainError(
        "OWN_NODE",
        `the captain's own node is in the tailnet of ${there}, for voyage ${others.join(", ")}, and cannot be in that of ${here} too`,
        { hint: "sink that voyage first; or give this one the machine's tailscaled: pulumi config rm ocaptain:captainNode" },
      );
    await writeFile(controlFile(), here, { mode: 0o600 });
    await writeFile(join(usersFolder(), of.voyageId), "", { mode: 0o600 });
    const cli = await captainTailscale({ own: true });
    const wasThere = existsSync(stateFolder());
    if (!(await cli.status())) await start(cli, control.loginServer);
    if (there === here && (await isJoined(cli, control))) return;
    // One that was in a tailnet before joins as if it had never been: logging it out is not enough (docs/adr/ships-over-a-tailnet.md).
    if (wasThere) await start(cli, control.loginServer, { forget: true });
    await joinTailnet(cli, control, of);
  });
}

/** A voyage needs it no more. The last one's word ends it: logged out, removed from the tailnet, its folder gone. Quiet when there is none. */
export async function leaveOwnNode(control: TailnetControl, voyageId: string): Promise<void> {
  if ((await readdir(usersFolder()).catch(() => [])).length === 0) return;
  await alone(async () => {
    if ((await readdir(usersFolder())).some((user) => user !== voyageId))
      return rm(join(usersFolder(), voyageId), { force: true });
    // Its name stays until all is done: what fails midway is done again by the next destroy.
    const cli = await captainTailscale({ own: true });
    if (await cli.status()) await cli.run(["logout"]);
    const hostname = await ownHostname();
    await removeNodes(
      control,
      (await control.listNodes()).filter((node) => node.hostname === hostname && node.tags.includes(CAPTAIN_TAG)),
    );
    await end();
    await rm(home(), { recursive: true, force: true });
  });
}

const ownHostname = async () => `ocaptain-captain-${await captainId()}`;

/** `forget`: what it was in the tailnet. */
async function start(cli: Tailscale, loginServer: string | undefined, { forget = false } = {}): Promise<void> {
  await end(); // one that runs, and does not answer or is to forget
  if (forget) await rm(stateFolder(), { recursive: true, force: true });
  const { tailscaled } = await tailscaleParts(captainArch());
  const logFile = join(home(), "tailscaled.log");
  const args = ["--tun=userspace-networking", "--port=0", `--statedir=${stateFolder()}`, `--socket=${ownSocket()}`];
  const env = { ...daemonEnvironment("tailscaled"), ...tailscaledEnvironment(loginServer, home()) };
  const daemon = startDetached(tailscaled.path, args, { env, logFile });
  await writeFile(pidFile(), String(daemon.pid || ""), { mode: 0o600 });
  if (await waitForWord(daemon, () => cli.status(), { timeoutMs: START_MS })) return;
  throw new OcaptainError("OWN_NODE", `the captain's own tailscaled does not start: ${lastWords(logFile)}`, {
    hint: `cat ${logFile}`,
  });
}

/** What it says once it has started, or after {@link START_MS}. */
async function settled(cli: Tailscale): Promise<TailscaleStatus | null> {
  let status = await cli.status();
  for (
    const until = Date.now() + START_MS;
    Date.now() < until && /^(NoState|Starting)$/.test(status?.BackendState ?? "");
    await sleep(LOOK_MS)
  )
    status = await cli.status();
  return status;
}

/** Is the captain's own node up, and listed by the control plane as what it is? Only looks. */
export const ownNodeIsJoined = async (control: TailnetControl): Promise<boolean> =>
  isJoined(await captainTailscale({ own: true }), control);

/** What it says itself does not count: a machine that was removed from the tailnet still says "Running". */
async function isJoined(cli: Tailscale, control: TailnetControl): Promise<boolean> {
  const status = await settled(cli);
  const nodeId = status?.BackendState === "Running" ? status.Self?.ID : undefined;
  const node = nodeOfCaptain(await control.listNodes(), { nodeId, hostname: await ownHostname() });
  return node !== undefined && !node.expired && node.tags.includes(CAPTAIN_TAG);
}

async function joinTailnet(cli: Tailscale, control: TailnetControl, of: { stack: string; voyageId: string }): Promise<void> {
  const hostname = await ownHostname();
  await removeNodes(
    control,
    (await control.listNodes()).filter((node) => node.hostname === hostname && node.tags.includes(CAPTAIN_TAG)),
  );
  const { id, key } = await control.mintKey({ ...of, ship: "captain", incarnation: await captainId() }, CAPTAIN_TAG);
  const file = join(home(), "key");
  try {
    await writeFile(file, key, { mode: 0o600 });
    const login = control.loginServer ? [`--login-server=${control.loginServer}`] : [];
    const up = [
      "up",
      "--reset",
      `--hostname=${hostname}`,
      "--accept-dns=false",
      `--auth-key=file:${file}`,
      `--timeout=${JOIN_SECONDS}s`,
    ];
    const outcome = await cli.run([...up, ...login], (JOIN_SECONDS + 5) * 1000);
    if (!outcome.ok)
      throw new OcaptainError("OWN_NODE", `the captain's own node could not join the tailnet: ${outcome.message.slice(-500)}`, {
        hint: "pulumi up",
      });
  } finally {
    await rm(file, { force: true });
    await control.deleteKey(id, of.voyageId);
  }
}

/** Ends our tailscaled. A process number may be another's by now: only one with our socket on its command line is ours. */
async function end(): Promise<void> {
  const pid = Number(await readFile(pidFile(), "utf8").catch(() => "0"));
  const isOurs = async () =>
    pid > 0 && (await execa("ps", ["-o", "args=", "-p", String(pid)], { reject: false })).stdout.includes(ownSocket());
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!(await isOurs())) return;
    process.kill(pid, signal);
    for (const until = Date.now() + STOP_MS; Date.now() < until; await sleep(LOOK_MS)) if (!(await isOurs())) return;
  }
  throw new OcaptainError("OWN_NODE", `the captain's own tailscaled (pid ${pid}) does not end`, { hint: `kill -9 ${pid}` });
}

/** One at a time, of all processes. The lock is beside the folder, which goes. */
async function alone(act: () => Promise<void>): Promise<void> {
  const lock = await acquireOsLock(`${home()}.sqlite`, { timeoutMs: 2 * (START_MS + JOIN_SECONDS * 1000) });
  try {
    await act();
  } finally {
    lock.release();
  }
}
