import { existsSync } from "node:fs";

/** What is asked of a ship that runs or is frozen. Two kinds: `confinement.ts` (bubblewrap) and `unconfined.ts` (plain processes). */
export type Vm = {
  /** Resolves when the ship's last process is gone, for whatever reason. */
  ended: Promise<void>;
  /** Path in the ship of `ship-root/lib`: what runs there for the harbor. */
  helpers: string;
  /** PATH for them: without the ship's home, where an agent may have put programs of the same names. */
  systemPath: string;
  /**
   * argv prefix that runs what follows it in the ship, as its user, with a clean environment. Without a terminal the command leads a session
   * of its own, and is the child of the process that this starts.
   */
  enter(options?: EnterOptions): string[];
  /** The same, for children of the harbor itself, which lead a session already. */
  enterFromHarbor(options?: EnterOptions): string[];
  /** The command's process, when `outerPid` was started by {@link enterFromHarbor}: its number out here, and in the ship. undefined: not yet. */
  commandOf(outerPid: number): { hostPid: number; shipPid: string } | undefined;
  /** A shell condition: what {@link enter} names is still this ship. */
  stillThere: string;
  /** Whether this process, which has this command line, is what {@link enter} became. */
  entered(pid: number, commandLine: string): boolean;
  /** @throws when something in the ship would not stop; it is running again then */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /**
   * Ends every process of the ship and waits until they are gone.
   * @param killed called once they are told: a stopped parent outside must be continued, since a ship ends only when all its dead are reaped
   */
  end(killed: () => void): Promise<void>;
};

/** `folder` holds home, tmp, logs, policy, etc and api.sock of the sprite. */
export type ShipPlace = {
  name: string;
  folder: string;
  /** Its own network; without one it shares the captain's. */
  link?: ShipLink | undefined;
};

export type ShipLink = {
  /** Gives the network namespace of this process, which has only a loopback that is down, its address. */
  join(pid: number): Promise<void>;
  /** A pause: the link is down, and the ship's TCP connections are dead (facts: sprites §10). Peers are told nothing. */
  pause(pid: number): Promise<void>;
  resume(): Promise<void>;
  /** Quiet when it is gone. */
  leave(): Promise<void>;
};

export type EnterOptions = { dir?: string | undefined; env?: Record<string, string> | undefined; tty?: unknown };

/** By its path, where it usually is: else a ship's own program of that name would be all that is ever run there. */
export const SETSID = existsSync("/usr/bin/setsid") ? "/usr/bin/setsid" : "setsid";

/** `~` and `~/…` are the ship's home: a client cannot know where that is. */
export const inHome = (home: string, dir: string | undefined): string => (dir ? dir.replace(/^~(?=\/|$)/, () => home) : home);
