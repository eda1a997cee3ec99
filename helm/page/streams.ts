import type { ServerResponse } from "node:http";
import { MOST_STREAMED, type PageView, type PageVoyage, type StreamEvents } from "../../lib/watch/page-api.ts";
import { HttpError } from "../http-error.ts";
import type { Log } from "../log.ts";
import { changeBetween, type Look, lookOf } from "./changes.ts";
import { cleaned } from "./clean.ts";

/** Where the streams look. Each is asked for once, for all clients together, and only while there are some. */
export type Source = {
  voyages(): Promise<PageVoyage[]>;
  /** null when there is no such voyage (any more). */
  view(id: string): Promise<PageView | null>;
  /** Calls back when something of the voyage has changed; returns what ends that. */
  watch(id: string, onChange: () => void): () => void;
};

/** The times of the streams, in ms, which tests scale down. */
export const TIMES = {
  /** The least time between two looks: a change is seen within it, and more changes than that are sent together. */
  turn: 400,
  /** Silence is no change: a voyage is looked at so often anyway. */
  look: 2_000,
  /** How often the list of all voyages is looked at. */
  list: 2_000,
  ping: 10_000,
  /** How long a client may take for what it was sent last, before it is dropped. */
  stalled: 20_000,
};

/** How many streams may be open at a time: one is enough for all tabs of a browser. */
const MOST_STREAMS = 32;

/** `base`: the version of each voyage that the client has; `list` that of the list. */
type Client = {
  response: ServerResponse;
  ids: readonly string[];
  base: Map<string, number>;
  list: number;
  stuckSince: number | null;
};
type Live = { version: number; look: Look | null; dirty: boolean; lookedAt: number; stop: () => void };

/** The live streams of all pages that are open: whole views first, and then what has changed, some times a second. */
export class Streams {
  readonly #source: Source;
  readonly #log: Log;
  readonly #times: typeof TIMES;
  readonly #hello: () => string;
  readonly #clients = new Set<Client>();
  readonly #live = new Map<string, Live>();
  #list = { version: 0, text: "", lookedAt: Number.NEGATIVE_INFINITY };
  #pingedAt = 0;
  #turning = false;

  /** @param hello  tells one build of the page from another */
  constructor(source: Source, hello: () => string, log: Log, times: Partial<typeof TIMES> = {}) {
    this.#source = source;
    this.#hello = hello;
    this.#log = log;
    this.#times = { ...TIMES, ...times };
  }

  get count(): number {
    return this.#clients.size;
  }

  /**
   * Opens a stream to a client, of these voyages.
   * @throws HttpError 400, 503
   */
  open(response: ServerResponse, ids: readonly string[]): void {
    if (ids.length > MOST_STREAMED) throw new HttpError(400, "TOO_MANY", `a stream has at most ${MOST_STREAMED} voyages`);
    if (this.#clients.size >= MOST_STREAMS)
      throw new HttpError(503, "TOO_MANY", "too many pages are open; close some", Math.ceil(this.#times.stalled / 1000));
    const client: Client = { response, ids: [...new Set(ids)], base: new Map(), list: -1, stuckSince: null };
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.on("drain", () => {
      client.stuckSince = null;
    });
    response.once("close", () => this.#leave(client));
    response.on("error", () => {});
    this.#clients.add(client);
    this.#send(client, "hello", { build: this.#hello(), now: now() });
    for (const id of client.ids) this.#want(id);
    void this.#turn();
  }

  /** Ends all streams. */
  close(): void {
    for (const { response } of this.#clients) response.destroy();
    this.#clients.clear();
    for (const { stop } of this.#live.values()) stop();
    this.#live.clear();
  }

  #want(id: string): void {
    if (this.#live.has(id)) return;
    const live: Live = { version: 0, look: null, dirty: true, lookedAt: 0, stop: () => {} };
    live.stop = this.#source.watch(id, () => {
      live.dirty = true;
    });
    this.#live.set(id, live);
  }

  #leave(client: Client): void {
    this.#clients.delete(client);
    const wanted = new Set([...this.#clients].flatMap(({ ids }) => ids));
    for (const [id, { stop }] of this.#live) {
      if (wanted.has(id)) continue;
      stop();
      this.#live.delete(id);
    }
  }

  /** Looks, sends, and comes again after a while, as long as there is a client. */
  async #turn(): Promise<void> {
    if (this.#turning) return;
    this.#turning = true;
    while (this.#clients.size > 0) {
      const began = performance.now();
      try {
        await this.#lookAtList();
        for (const [id, live] of this.#live) await this.#lookAt(id, live);
      } catch (error) {
        this.#log("page-look-failed", { error: String(error) });
      }
      this.#deliver();
      // After a look that took long all else of the helm has its time.
      const took = performance.now() - began;
      await new Promise((resolve) => setTimeout(resolve, Math.max(this.#times.turn, 4 * took)).unref());
    }
    this.#turning = false;
  }

  async #lookAtList(): Promise<void> {
    if (performance.now() - this.#list.lookedAt < this.#times.list) return;
    const voyages = cleaned(await this.#source.voyages());
    const text = JSON.stringify({ voyages });
    this.#list = { version: this.#list.version + (text === this.#list.text ? 0 : 1), text, lookedAt: performance.now() };
  }

  async #lookAt(id: string, live: Live): Promise<void> {
    if (!live.dirty && performance.now() - live.lookedAt < this.#times.look) return;
    live.dirty = false;
    live.lookedAt = performance.now();
    const view = await this.#source.view(id);
    const before = live.look;
    live.look = view && lookOf(view);
    const change = before && live.look && changeBetween(before, live.look);
    if (before && live.look && !change) return;
    if (!before && !live.look && live.version > 0) return;
    live.version++;
    if (!change) return;
    const text = JSON.stringify(cleaned(change));
    for (const client of this.#clients)
      if (client.stuckSince === null && client.base.get(id) === live.version - 1) {
        client.base.set(id, live.version);
        this.#write(client, "change", text);
      }
  }

  /**
   * Sends each client what it has missed: whole views at the start, and after it was slow. A client that does not take
   * what it was sent is dropped.
   */
  #deliver(): void {
    const pings = performance.now() - this.#pingedAt >= this.#times.ping;
    if (pings) this.#pingedAt = performance.now();
    const whole = new Map<string, string>();
    for (const client of this.#clients) {
      if (client.stuckSince !== null) {
        if (performance.now() - client.stuckSince > this.#times.stalled) client.response.destroy();
        continue;
      }
      if (client.list !== this.#list.version && this.#list.text) {
        client.list = this.#list.version;
        this.#write(client, "voyages", this.#list.text);
      }
      for (const id of client.ids) {
        const live = this.#live.get(id);
        if (!live || live.version === 0 || client.base.get(id) === live.version || client.stuckSince !== null) continue;
        client.base.set(id, live.version);
        if (!live.look) this.#send(client, "gone", { voyage: id });
        else {
          const text = whole.get(id) ?? JSON.stringify(cleaned({ voyage: id, view: live.look.view }));
          this.#write(client, "view", text);
          whole.set(id, text);
        }
      }
      if (pings) this.#send(client, "ping", { now: now() });
    }
  }

  #send<E extends keyof StreamEvents>(client: Client, event: E, data: StreamEvents[E]): void {
    this.#write(client, event, JSON.stringify(data));
  }

  #write(client: Client, event: keyof StreamEvents, text: string): void {
    if (client.response.destroyed) return;
    if (!client.response.write(`event: ${event}\ndata: ${text}\n\n`)) client.stuckSince ??= performance.now();
  }
}

const now = () => new Date().toISOString();
