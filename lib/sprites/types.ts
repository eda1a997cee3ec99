import type { ProviderKind } from "../protocol/choices.ts";
import type { Organisation } from "./organisation.ts";

/** The sprites API as the product uses it. Both providers serve it, and differ by the base URL alone. */

/**
 * A provider, and how it is reached. Without `baseUrl` it is the harbor that runs, which is started if need be, or
 * api.sprites.dev.
 */
export type ProviderSettings = {
  kind: ProviderKind;
  baseUrl?: string | undefined;
  token?: string | undefined;
  /** Where the voyage's VMs were made, when that is known: a token of another organisation is refused. */
  organisation?: Organisation | undefined;
  /**
   * Whether new ships of the harbor are to be unconfined; undefined takes the harbor as it is. Ships that exist stay
   * what they are.
   */
  unconfined?: boolean | undefined;
};

/** One VM. `id` is the incarnation: it changes when a name is deleted and made again. */
export type SpriteInfo = { id: string; name: string; status: "cold" | "warm" | "running"; url: string; labels: string[] };

export type ExecResult = { exitCode: number; stdout: string; stderr: string };

/**
 * A rule for what a sprite may reach. The most specific rule wins: a name, then `*.name`, then `*`. No rule at all is
 * no restriction.
 */
export type NetworkRule = { domain: string; action: "allow" | "deny" } | { include: "defaults" };

/**
 * A command that the provider keeps running on a ship: it is started again when it ends, and after a cold start. `cmd`
 * is a path, and no shell reads it. Whoever may read the service can read all of it, so a secret belongs in a file
 * (0600) that the command reads.
 */
export type ServiceSpec = {
  cmd: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  dir?: string;
  /** Names of services that are started before it. */
  needs?: readonly string[];
};

export type ServiceInfo = ServiceSpec & {
  status: "stopped" | "starting" | "running" | "stopping" | "failed";
  /** The command's process id in the ship. */
  pid: number | undefined;
  restarts: number;
  error: string | undefined;
};

/** A client of the sprites API. All calls are bounded, and repeated where that is safe. */
export interface SpritesClient {
  /** The organisation that the token belongs to. */
  organisation(): Promise<Organisation>;
  /**
   * Makes a sprite, or finds it when an earlier create made it and all `labels` are on it. One that is made gets the
   * labels `also` as well, which one that is found need not have. It waits while the account may make no more, and
   * tells `onWait` each time.
   * @throws OcaptainError CONFLICT when the name is somebody else's; CREATE_FAILED
   */
  create(name: string, labels: string[], onWait?: (text: string) => void, also?: string[]): Promise<SpriteInfo>;
  /**
   * Reads a sprite, without waking it; null only when it is believed gone: a 404 is looked at again, and against the
   * list.
   */
  get(name: string): Promise<SpriteInfo | null>;
  /** The names of all sprites with this prefix. */
  list(prefix: string): Promise<string[]>;
  setLabels(name: string, labels: string[]): Promise<SpriteInfo>;
  /** Deletes a sprite. Quiet when it is gone already; returns after its absence was seen. */
  remove(name: string): Promise<void>;
  /**
   * Runs argv on a ship to its end; wakes the ship. A non-zero exit status is a result, not an error. Secrets go
   * through `stdin`. What answers may be anything that an agent has put there, so at most `mostBytes` are read (default
   * 1 MiB).
   * @throws OcaptainError SPRITE_GONE, SPRITES_REFUSED, EXEC_CUT, TOO_LONG
   */
  exec(
    name: string,
    argv: readonly string[],
    options?: { stdin?: string; timeoutMs?: number; dir?: string; mostBytes?: number },
  ): Promise<ExecResult>;
  /**
   * Writes a file of any size and content, and makes its folders; `mode` are permission bits. On a ship asleep this may
   * hang, where an exec would wake it: exec something first.
   * @throws OcaptainError SPRITE_GONE, SPRITES_REFUSED
   */
  writeFile(name: string, path: string, content: Buffer, mode: number): Promise<void>;
  /** Reads all rules of a ship, and wakes it; none is no restriction. @throws OcaptainError SPRITE_GONE */
  networkPolicy(name: string): Promise<NetworkRule[]>;
  /** Replaces all rules and reads them back. @throws OcaptainError SPRITE_GONE, POLICY_INVALID, POLICY_DIFFERS */
  setNetworkPolicy(name: string, rules: readonly NetworkRule[]): Promise<void>;
  /**
   * Reads a service; null when the sprite has none of this name. It wakes the ship, as all calls for services do.
   * @throws OcaptainError SPRITE_GONE
   */
  service(name: string, service: string): Promise<ServiceInfo | null>;
  /**
   * Defines and starts a service. One that is defined so and runs is left alone; one that is defined otherwise is
   * stopped first. "Running" says that the command was started, not that it serves.
   * @throws OcaptainError SPRITE_GONE, SERVICE_FAILED, SPRITES_REFUSED
   */
  putService(name: string, service: string, spec: ServiceSpec): Promise<ServiceInfo>;
  /** Starts a service. Quiet when it runs. @throws OcaptainError SERVICE_GONE, SERVICE_FAILED */
  startService(name: string, service: string): Promise<ServiceInfo>;
  /** Stops a service, until it is started, also over a cold start. Quiet when it does not run, or is not there. */
  stopService(name: string, service: string): Promise<void>;
  /** Stops and deletes a service. Quiet when it is gone already; returns after its absence was seen. */
  deleteService(name: string, service: string): Promise<void>;
  /** The last lines that a service printed, to both streams. @throws OcaptainError SERVICE_GONE */
  serviceLogs(name: string, service: string, lines: number): Promise<string>;
}
