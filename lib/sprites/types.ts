import type { ProviderKind } from "../protocol/choices.ts";
import type { Organisation } from "./organisation.ts";

/** The sprites API as the product uses it, for both providers (design 13: only the base URL differs). */

/** Which service, and how it is reached. Without `baseUrl`: harbor = the running one (started if need be), sprites = api.sprites.dev. */
export type ProviderSettings = {
  kind: ProviderKind;
  baseUrl?: string | undefined;
  token?: string | undefined;
  /** Where the voyage's VMs were made, when that is known: a token of another organisation is refused. */
  organisation?: Organisation | undefined;
  /** Harbor: are its ships to be without confinement? undefined: as it happens to be. Asked for when a ship is made; one that is there stays. */
  unconfined?: boolean | undefined;
};

/** One VM. `id` is the incarnation: it changes when a name is deleted and made again. */
export type SpriteInfo = { id: string; name: string; status: "cold" | "warm" | "running"; url: string; labels: string[] };

export type ExecResult = { exitCode: number; stdout: string; stderr: string };

/** A rule for what a sprite may reach. No rule at all is no restriction; the most specific one wins: name, then `*.name`, then `*`. */
export type NetworkRule = { domain: string; action: "allow" | "deny" } | { include: "defaults" };

/**
 * A command that the ship's supervisor keeps running: started again when it ends, and after a cold start. No shell: `cmd` is a path, the
 * environment is small. It can be read by whoever may read the service: a secret belongs in a file (0600) that the command reads.
 */
export type ServiceSpec = {
  cmd: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  dir?: string;
  /** Services that are started before it. */
  needs?: readonly string[];
};

export type ServiceInfo = ServiceSpec & {
  status: "stopped" | "starting" | "running" | "stopping" | "failed";
  /** In the ship. */
  pid: number | undefined;
  restarts: number;
  error: string | undefined;
};

export interface SpritesClient {
  /** Whose the token is. */
  organisation(): Promise<Organisation>;
  /** Makes it, or finds it when the create was lost or raced and `labels` are all on what is there. CONFLICT when it is somebody else's. */
  create(name: string, labels: string[]): Promise<SpriteInfo>;
  /** null only when it is believed gone: a 404 is looked at again and against the list (facts: sprites §3.3). Never wakes it. */
  get(name: string): Promise<SpriteInfo | null>;
  /** Names, by prefix, all pages. */
  list(prefix: string): Promise<string[]>;
  setLabels(name: string, labels: string[]): Promise<SpriteInfo>;
  /** Quiet when it is gone already; returns after its absence was seen. */
  remove(name: string): Promise<void>;
  /**
   * Runs argv to completion over HTTP POST; wakes the ship. A non-zero exit is a result, not an error. Secrets go through `stdin`. What answers may be
   * anything that an agent has put there: at most `mostBytes` are read (default 1 MiB).
   * @throws OcaptainError SPRITE_GONE, SPRITES_REFUSED, EXEC_CUT, TOO_LONG
   */
  exec(
    name: string,
    argv: readonly string[],
    options?: { stdin?: string; timeoutMs?: number; dir?: string; mostBytes?: number },
  ): Promise<ExecResult>;
  /**
   * Writes a file of any size and content, its folders made; `mode` are permission bits. On a ship asleep this may hang, where an exec would wake it
   * (facts: sprites §5): exec something first. @throws OcaptainError SPRITE_GONE, SPRITES_REFUSED
   */
  writeFile(name: string, path: string, content: Buffer, mode: number): Promise<void>;
  /** All rules; none is no restriction. Wakes the ship. @throws OcaptainError SPRITE_GONE */
  networkPolicy(name: string): Promise<NetworkRule[]>;
  /** Replaces all rules and reads them back. @throws OcaptainError SPRITE_GONE, POLICY_INVALID, POLICY_DIFFERS */
  setNetworkPolicy(name: string, rules: readonly NetworkRule[]): Promise<void>;
  /** null: the sprite has no service of this name. Wakes the ship, as all calls for services do. @throws OcaptainError SPRITE_GONE */
  service(name: string, service: string): Promise<ServiceInfo | null>;
  /**
   * Makes it so, and started: nothing is done to one that is defined so and runs; a changed one is stopped first. "Running" says that the
   * command was started, not that it serves. @throws OcaptainError SPRITE_GONE, SERVICE_FAILED, SPRITES_REFUSED
   */
  putService(name: string, service: string, spec: ServiceSpec): Promise<ServiceInfo>;
  /** Quiet when it runs. @throws OcaptainError SERVICE_GONE, SERVICE_FAILED */
  startService(name: string, service: string): Promise<ServiceInfo>;
  /** Quiet when it does not run, or is not there. It then stays stopped, also after a cold start, until it is started. */
  stopService(name: string, service: string): Promise<void>;
  /** Stops it first. Quiet when it is gone already; returns after its absence was seen. */
  deleteService(name: string, service: string): Promise<void>;
  /** The last lines that it printed, both streams. @throws OcaptainError SERVICE_GONE */
  serviceLogs(name: string, service: string, lines: number): Promise<string>;
}
