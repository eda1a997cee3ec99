import { existsSync } from "node:fs";
import { askWhole } from "./http.ts";
import type { Journal } from "./journal.ts";

/** The socket of the VM's own API; it has another path on harbor ships that are not confined, and in tests. */
const SOCKET = process.env.OCAPTAIN_SPRITE_SOCKET || "/.sprite/api.sock";
const NAME = "ocaptain-crew";
/** How long a hold lasts. A supervisor that dies costs so much more time of the VM. */
const EXPIRE = "2m";
const REFRESH_MS = 20_000;

/**
 * The hold on this VM: nothing else keeps a sprite awake. `refresh` is called at each acknowledged heartbeat and at no
 * other time while a crew works, so a ship that cannot reach its helm falls asleep by itself.
 */
export class Hold {
  readonly #journal: Journal;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #warned = false;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /**
   * Takes or lengthens the hold, at most once in 20 s. Never throws: without a hold the ship may sleep, which is safe.
   */
  async refresh(): Promise<void> {
    if (performance.now() - this.#refreshedAt < REFRESH_MS) return;
    this.#refreshedAt = performance.now();
    if (!existsSync(SOCKET)) return this.#warn(`no ${SOCKET} here: this machine cannot be held awake`);
    try {
      // The vendor's documents call PUT an upsert, but a client of theirs met 404 on a missing name: then POST makes
      // it.
      let status = await ask("PUT", "/v1/tasks", { name: NAME, expire: EXPIRE });
      if (status === 404) status = await ask("POST", "/v1/tasks", { name: NAME, expire: EXPIRE });
      if (status >= 300) throw new Error(`the VM's API answered with status ${status}`);
    } catch (error) {
      this.#refreshedAt = Number.NEGATIVE_INFINITY;
      this.#warn(`the hold was not taken: ${(error as Error).message}`);
    }
  }

  /** Gives the hold back. Quiet when there is none. */
  async giveBack(): Promise<void> {
    this.#refreshedAt = Number.NEGATIVE_INFINITY;
    if (!existsSync(SOCKET)) return;
    await ask("DELETE", `/v1/tasks/${NAME}`).catch((error: Error) => this.#warn(`the hold was not given back: ${error.message}`));
  }

  #warn(text: string): void {
    if (!this.#warned) this.#journal.note("hold", text);
    this.#warned = true;
  }
}

async function ask(method: string, path: string, body?: object): Promise<number> {
  const answer = await askWhole({
    method,
    to: { socketPath: SOCKET, path },
    headers: { host: "sprite", ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(3000),
  });
  return answer.status;
}
