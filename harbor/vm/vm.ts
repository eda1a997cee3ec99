import { existsSync } from "node:fs";
import type { ShipLimits } from "./ship-limits.ts";

/**
 * The machine of a ship that runs or is frozen. There are two kinds: `confinement.ts` (bubblewrap) and `unconfined.ts`
 * (plain processes).
 */
export type Vm = {
  /** Resolves when the ship's last process is gone, for whatever reason. */
  ended: Promise<void>;
  /** Path in the ship of `ship-root/lib`, the programs that run there for the harbor. */
  helpers: string;
  /** PATH for those programs, without the ship's home, where an agent may have put programs of the same names. */
  systemPath: string;
  /**
   * An argv prefix that runs what follows it in the ship, as its user, with a clean environment. The command leads a
   * session of its own, and is the child of the process that this starts.
   */
  enter(options?: EnterOptions): string[];
  /** The same as {@link enter}, for children of the harbor itself, which lead a session already. */
  enterFromHarbor(options?: EnterOptions): string[];
  /** An argv prefix that, for a process which is in the ship, does the same: the user's environment and folder. */
  inside(options?: EnterOptions): string[];
  /**
   * The numbers, outside and in the ship, of the command that `outerPid`, started by {@link enterFromHarbor}, runs;
   * undefined while it does not run yet.
   */
  commandOf(outerPid: number): { hostPid: number; shipPid: string } | undefined;
  /** A shell condition that holds while what {@link enter} names is this ship. */
  stillThere: string;
  /** Whether this process, which has this command line, is what {@link enter} became. */
  entered(pid: number, commandLine: string): boolean;
  /** Stops every process of the ship. @throws when one would not stop; all are running again then */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /**
   * Ends every process of the ship and waits until they are gone.
   * @param killed  called once they are killed: it must continue stopped parents outside, since a ship ends only when
   *   all its dead are reaped
   */
  end(killed: () => void): Promise<void>;
};

/** Where a ship is started. `folder` holds home, tmp, logs, policy, etc and api.sock of the sprite. */
export type ShipPlace = {
  name: string;
  folder: string;
  /** The ship's own network; without one it shares the captain's. */
  link?: ShipLink | undefined;
  limits: ShipLimits;
};

/** A ship's connection to a network of its own. */
export type ShipLink = {
  /** Gives the network namespace of this process, which has only a loopback that is down, its address. */
  join(pid: number): Promise<void>;
  /** Takes the link down and kills the ship's TCP connections, as a pause of a VM does. Peers are told nothing. */
  pause(pid: number): Promise<void>;
  resume(): Promise<void>;
  /** Removes the link. Quiet when it is gone. */
  leave(): Promise<void>;
};

export type EnterOptions = { dir?: string | undefined; env?: Record<string, string> | undefined; tty?: unknown };

/** `setsid` by its path, where it usually is: else a ship's own program of that name would run in its place. */
export const SETSID = existsSync("/usr/bin/setsid") ? "/usr/bin/setsid" : "setsid";

/** A folder in the ship, where `~` and `~/…` mean its home, which a client cannot know. */
export const inHome = (home: string, dir: string | undefined): string => (dir ? dir.replace(/^~(?=\/|$)/, () => home) : home);
