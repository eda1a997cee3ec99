import { existsSync } from "node:fs";
import { request } from "node:http";
import type { Journal } from "./journal.ts";

/** The VM's own API; another path on harbor ships that are not confined, and in tests. */
const SOCKET = process.env.OCAPTAIN_SPRITE_SOCKET || "/.sprite/api.sock";
const NAME = "ocaptain-crew";
/** Bounded: a supervisor that dies costs two more minutes of VM (facts: sprites §10, "2 m every 15 s"). */
const EXPIRE = "2m";
const REFRESH_MS = 20_000;

/**
 * The hold: what keeps a sprite awake, and all that does (design 10). `refresh` is called at each acknowledged heartbeat and at no other
 * time, so a ship that cannot reach its helm falls asleep by itself.
 */
export class Hold {
  readonly #journal: Journal;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #warned = false;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Takes or lengthens the hold, at most each 20 s. Never throws: without a hold the ship may sleep, which is safe. */
  async refresh(): Promise<void> {
    if (performance.now() - this.#refreshedAt < REFRESH_MS) return;
    this.#refreshedAt = performance.now();
    if (!existsSync(SOCKET)) return this.#warn(`no ${SOCKET} here: this machine cannot be held awake`);
    try {
      // The vendor's text calls PUT an upsert; a client of theirs met 404 on a missing name (facts: sprites §10): then POST.
      let status = await ask("PUT", "/v1/tasks", { name: NAME, expire: EXPIRE });
      if (status === 404) status = await ask("POST", "/v1/tasks", { name: NAME, expire: EXPIRE });
      if (status >= 300) throw new Error(`status ${status}`);
    } catch (error) {
      this.#refreshedAt = Number.NEGATIVE_INFINITY;
      this.#warn(`the hold was not taken: ${(error as Error).message}`);
    }
  }

  /** Gives it back; quiet when there is none. */
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

function ask(method: string, path: string, body?: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath: SOCKET,
        method,
        path,
        headers: { host: "sprite", ...(body && { "content-type": "application/json" }) },
        signal: AbortSignal.timeout(3000),
      },
      (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode ?? 0));
        response.once("error", reject);
      },
    );
    sent.once("error", reject);
    sent.end(body && JSON.stringify(body));
  });
}
