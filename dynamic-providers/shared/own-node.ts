import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import { acquireOsLock } from "../../lib/base/os-lock.ts";
import { captainNodeHome } from "../../lib/base/paths.ts";
import { runProgram } from "../../lib/base/run-program.ts";
import { lastWords, startDetached, waitForWord } from "../../lib/daemons/detached.ts";
import { daemonEnvironment } from "../../lib/daemons/environment.ts";
import { nodeOfCaptain, removeNodes } from "../../lib/tailnet/control/nodes.ts";
import { CAPTAIN_TAG, type TailnetControl } from "../../lib/tailnet/control/types.ts";
import { captainTailscale, ownSocket } from "../../lib/tailnet/node/captain.ts";
import { captainArch, tailscaleParts } from "../../lib/tailnet/node/parts.ts";
import type { Tailscale, TailscaleStatus } from "../../lib/tailnet/node/tailscale-cli.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { tailscaledEnvironment } from "./tailscaled-environment.ts";

/**
 * The captain's own node (`ocaptain:captainNode: own`): a tailscaled in userspace that this project runs, for machines
 * that have none. It needs no root, and delivers to loopback what ships send to port 4318 of its address. A captain has
 * one, for all voyages that ask for it, and it ends with the last of them.
 */

const START_MS = 10_000;
const STOP_MS = 10_000;
const JOIN_SECONDS = 40;
const LOOK_MS = 50;

const home = () => captainNodeHome();
const stateFolder = () => join(home(), "state");
/** The file that names the control plane of the node. */
const controlFile = () => join(home(), "control");
const pidFile = () => join(home(), "pid");
const usersFolder = () => join(home(), "users");

/**
 * Makes the captain's own node run and join the tailnet, in the name of a voyage.
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
        {
          hint: `sink that voyage first; or give this one the machine's tailscaled: pulumi config rm ocaptain:captainNode -s ${of.stack}`,
        },
      );
    await writeFile(controlFile(), here, { mode: 0o600 });
    await writeFile(join(usersFolder(), of.voyageId), "", { mode: 0o600 });
    const cli = await captainTailscale({ own: true });
    const wasThere = existsSync(stateFolder());
    if (!(await cli.status())) await start(cli, control.loginServer);
    if (there === here && (await isJoined(cli, control))) return;
    // One that was in a tailnet before joins as if it had never been: logging it out is not enough
    // (docs/adr/ships-over-a-tailnet.md).
    if (wasThere) await start(cli, control.loginServer, { forget: true });
    await joinTailnet(cli, control, of);
  });
}

/**
 * Gives up the captain's own node for one voyage. With the last voyage the node is logged out, removed from the
 * tailnet, and its folder removed. Quiet when there is none.
 */
export async function leaveOwnNode(control: TailnetControl, voyageId: string): Promise<void> {
  if ((await readdir(usersFolder()).catch(() => [])).length === 0) return;
  await alone(async () => {
    if ((await readdir(usersFolder())).some((user) => user !== voyageId))
      return rm(join(usersFolder(), voyageId), { force: true });
    // The voyage's name stays until all is done, so that the next destroy does again what fails midway.
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

/**
 * Starts tailscaled, and ends one that runs; with `forget` it starts as one that was never in a tailnet.
 * @throws OcaptainError OWN_NODE
 */
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

/** The node's status once it has started, or after {@link START_MS}. */
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

/** Whether the captain's own node is up, and listed by the control plane as what it is. */
export const ownNodeIsJoined = async (control: TailnetControl): Promise<boolean> =>
  isJoined(await captainTailscale({ own: true }), control);

/**
 * Whether the node is in the tailnet, by the control plane's list: a machine that was removed still says "Running"
 * itself.
 */
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
        hint: `pulumi up -s ${of.stack}`,
      });
  } finally {
    await rm(file, { force: true });
    await control.deleteKey(id, of.voyageId);
  }
}

/**
 * Ends our tailscaled, which has our socket on its command line: its process id may be another process's by now.
 * @throws OcaptainError OWN_NODE
 */
async function end(): Promise<void> {
  const pid = Number(await readFile(pidFile(), "utf8").catch(() => "0"));
  const isOurs = async () =>
    pid > 0 && (await runProgram("ps", ["-o", "args=", "-p", String(pid)], { timeoutMs: STOP_MS })).stdout.includes(ownSocket());
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!(await isOurs())) return;
    process.kill(pid, signal);
    for (const until = Date.now() + STOP_MS; Date.now() < until; await sleep(LOOK_MS)) if (!(await isOurs())) return;
  }
  throw new OcaptainError("OWN_NODE", `the captain's own tailscaled (pid ${pid}) does not end`, { hint: `kill -9 ${pid}` });
}

/** Runs `act` while no other process does. The lock is beside the folder, because the folder is removed. */
async function alone(act: () => Promise<void>): Promise<void> {
  const lock = await acquireOsLock(`${home()}.sqlite`, { timeoutMs: 2 * (START_MS + JOIN_SECONDS * 1000) });
  try {
    await act();
  } finally {
    lock.release();
  }
}
