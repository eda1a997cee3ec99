/** The sprites API as the product uses it, for both providers (design 13: only the base URL differs). */

/** Which service, and how it is reached. Without `baseUrl`: harbor = the running one (started if need be), sprites = api.sprites.dev. */
export type ProviderSettings = {
  kind: "harbor" | "sprites";
  baseUrl?: string | undefined;
  token?: string | undefined;
  /** Harbor: are its ships to be without confinement? undefined: as it happens to be. Asked for when a ship is made; one that is there stays. */
  unconfined?: boolean | undefined;
};

/** One VM. `id` is the incarnation: it changes when a name is deleted and made again. */
export type SpriteInfo = { id: string; name: string; status: "cold" | "warm" | "running"; url: string; labels: string[] };

export type ExecResult = { exitCode: number; stdout: string; stderr: string };

export interface SpritesClient {
  /** Makes it, or finds it when the create was lost or raced and `labels` are all on what is there. CONFLICT when it is somebody else's. */
  create(name: string, labels: string[]): Promise<SpriteInfo>;
  /** null only when it is believed gone: a 404 is looked at again and against the list (facts: sprites §3.3). Never wakes it. */
  get(name: string): Promise<SpriteInfo | null>;
  /** Names, by prefix, all pages. */
  list(prefix: string): Promise<string[]>;
  setLabels(name: string, labels: string[]): Promise<SpriteInfo>;
  /** Quiet when it is gone already; returns after its absence was seen. */
  remove(name: string): Promise<void>;
  /** Runs argv to completion over HTTP POST; wakes the ship. A non-zero exit is a result, not an error. Secrets go through `stdin`. */
  exec(
    name: string,
    argv: readonly string[],
    options?: { stdin?: string; timeoutMs?: number; dir?: string },
  ): Promise<ExecResult>;
}
