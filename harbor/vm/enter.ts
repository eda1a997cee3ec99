import { SHIP_PROGRAMS } from "../../lib/daemons/harbor-claude.ts";
import { type EnterOptions, inHome, SETSID } from "./vm.ts";

/** How a process gets into a confined ship: argv prefixes. They start nothing themselves. */

export type ShipAddress = {
  /** Process id of bwrap outside: it lives in the user namespace that owns the ship's other namespaces. */
  monitorPid: number;
  /** Process id, seen from outside, of the ship's own process 1. */
  initPid: number;
  /** It has a network namespace of its own, which the user namespace of bwrap owns. */
  ownNet: boolean;
};

export const SHIP_HOME = "/home/sprite";
/** Where OCAPTAIN_HARBOR_TOOLS is seen in a ship. */
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

/** For what the harbor itself runs in a ship: not the programs that an agent puts into its home. */
export const SYSTEM_PATH = SHIP_PATH.split(":").slice(1).join(":");

/**
 * Runs what follows it in the ship, as its user `sprite`, with a clean environment.
 *
 * Two steps, because without host privileges the ship's namespaces can only be entered from the user namespace that owns them.
 * Without a terminal the command leads a session of its own: its process group then holds nothing from outside the ship, so `kill 0` in
 * a ship never reaches the harbor.
 */
export function enterShip(ship: ShipAddress, options: EnterOptions = {}): string[] {
  const environment = { ...shipEnvironment, ...(options.tty ? { TERM: "xterm-256color" } : {}), ...options.env };
  return [
    ...["nsenter", "-t", String(ship.monitorPid), "--user", ...(ship.ownNet ? ["--net"] : []), "--preserve-credentials"],
    ...["nsenter", "-t", String(ship.initPid), "--user", "--mount", "--uts", "--ipc", "--pid", "--preserve-credentials"],
    ...["env", "-i", "-C", inHome(SHIP_HOME, options.dir)],
    ...Object.entries(environment).map(([key, value]) => `${key}=${value}`),
    ...(options.tty ? [] : [SETSID]),
  ];
}

/**
 * As {@link enterShip}, for children of the harbor: a nsenter stops itself together with the command it waits for, so when the
 * harbor is killed while a ship is frozen it would stay for ever; the kernel ends it with its parent instead.
 */
export const enterShipFromHarbor = (ship: ShipAddress, options?: EnterOptions) => [
  "setpriv",
  "--pdeathsig",
  "KILL",
  ...enterShip(ship, options),
];
