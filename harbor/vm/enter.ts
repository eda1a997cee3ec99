import { SHIP_PROGRAMS } from "../../lib/daemons/harbor-claude.ts";
import { type EnterOptions, inHome, SETSID } from "./vm.ts";

/** Ways into a confined ship, as argv prefixes. Nothing here starts a process. */

export type ShipAddress = {
  /** Process id of bwrap outside, which lives in the user namespace that owns the ship's other namespaces. */
  monitorPid: number;
  /** Process id, seen from outside, of the ship's own process 1. */
  initPid: number;
  /** It has a network namespace of its own, which the user namespace of bwrap owns. */
  ownNet: boolean;
};

export const SHIP_HOME = "/home/sprite";
/** The path at which a ship sees the folder that OCAPTAIN_HARBOR_TOOLS names. */
export const SHIP_TOOLS = "/.sprite/languages/tools";
const SHIP_PATH = [
  `${SHIP_HOME}/.local/bin`,
  "/.sprite/bin",
  "/.sprite/languages/node/bin",
  SHIP_PROGRAMS,
  SHIP_TOOLS,
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
].join(":");

const shipEnvironment: Record<string, string> = {
  HOME: SHIP_HOME,
  USER: "sprite",
  LOGNAME: "sprite",
  SHELL: "/bin/bash",
  LANG: "C.UTF-8",
  PATH: SHIP_PATH,
};

/** PATH for what the harbor itself runs in a ship, without the programs that an agent may have put into its home. */
export const SYSTEM_PATH = SHIP_PATH.split(":").slice(1).join(":");

/** {@link Vm.inside} of a confined ship. */
export function insideShip({ dir, env, tty }: EnterOptions = {}): string[] {
  const environment = { ...shipEnvironment, ...(tty ? { TERM: "xterm-256color" } : {}), ...env };
  return ["env", "-i", "-C", inHome(SHIP_HOME, dir), ...Object.entries(environment).map(([key, value]) => `${key}=${value}`)];
}

/**
 * An argv prefix that runs what follows it in the ship, as its user `sprite`, with a clean environment.
 *
 * Two steps, because without host privileges the ship's namespaces can only be entered from the user namespace that
 * owns them. The command leads a session of its own: its process group then holds nothing from outside the ship, so
 * `kill 0` in a ship never reaches the harbor.
 */
export function enterShip(ship: ShipAddress, options: EnterOptions = {}): string[] {
  return [
    ...["nsenter", "-t", String(ship.monitorPid), "--user", ...(ship.ownNet ? ["--net"] : []), "--preserve-credentials"],
    ...["nsenter", "-t", String(ship.initPid), "--user", "--mount", "--uts", "--ipc", "--pid", "--preserve-credentials"],
    ...insideShip(options),
    SETSID,
  ];
}

/**
 * {@link enterShip} for children of the harbor. A nsenter stops itself together with the command that it waits for, so
 * it would stay for ever when the harbor is killed while a ship is frozen; with this prefix the kernel ends it with its
 * parent.
 */
export const enterShipFromHarbor = (ship: ShipAddress, options?: EnterOptions) => [
  "setpriv",
  "--pdeathsig",
  "KILL",
  ...enterShip(ship, options),
];
