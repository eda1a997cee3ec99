import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PageRoots, PageServer } from "../../helm/page/server.ts";
import { ACTION_HEADER, type StreamEvents } from "../../lib/watch/page-api.ts";
import { bundlePage, page as part } from "../../tools/setup/page.mjs";

/** Makes sure that the page is bundled as its sources are now, also where no set-up ran before the tests. */
export async function ensureBundle(): Promise<void> {
  if (!part.intact()) await bundlePage();
}

export type Reply = { status: number; headers: IncomingMessage["headers"]; body: string };
/** What a browser, or somebody who is none, sends. */
export type Ask = { method?: string; headers?: Record<string, string>; body?: string };

/** Sends one request as it is: nothing in it is put right on the way. */
export function send(port: number, path: string, { method = "GET", headers = {}, body }: Ask = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers, setHost: headers.host === undefined }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** A browser at the page: it keeps the cookie, and sends what a browser sends. */
export class Browser {
  readonly port: number;
  cookie = "";
  token = "";

  constructor(port: number) {
    this.port = port;
  }

  /** Enters by a first address. */
  async enter(url: string): Promise<Reply> {
    const { pathname, search } = new URL(url);
    const reply = await this.get(pathname + search);
    this.cookie = reply.headers["set-cookie"]?.[0]?.split(";")[0] ?? this.cookie;
    if (this.cookie) this.token = JSON.parse((await this.get("/api/session")).body).token ?? "";
    return reply;
  }
  get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return send(this.port, path, { headers: { ...(this.cookie && { cookie: this.cookie }), ...headers } });
  }
  /** The request of an order, as the page sends it. */
  order(action: object): Required<Ask> {
    return {
      method: "POST",
      headers: {
        host: `127.0.0.1:${this.port}`,
        cookie: this.cookie,
        origin: `http://127.0.0.1:${this.port}`,
        "sec-fetch-site": "same-origin",
        "content-type": "application/json",
        [ACTION_HEADER]: this.token,
      },
      body: JSON.stringify(action),
    };
  }
  post(id: string, action: object): Promise<Reply> {
    return send(this.port, `/api/voyages/${id}/actions`, this.order(action));
  }

  /** Opens the stream, and reads its events one after the other. */
  async stream(...ids: string[]) {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.port, path: `/api/stream?voyages=${ids.join(",")}` };
      request({ ...options, headers: { cookie: this.cookie } }, resolve)
        .on("error", reject)
        .end();
    });
    let text = "";
    const events: { [E in keyof StreamEvents]: { event: E; data: StreamEvents[E] } }[keyof StreamEvents][] = [];
    let wake = () => {};
    let ended = false;
    response.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const parts = text.split("\n\n");
      text = parts.pop()!;
      for (const part of parts) {
        const [event = "", data = ""] = part.split("\n").map((line) => line.slice(line.indexOf(": ") + 2));
        events.push({ event, data: JSON.parse(data) } as (typeof events)[number]);
      }
      wake();
    });
    for (const end of ["close", "error"])
      response.on(end, () => {
        ended = true;
        wake();
      });
    return {
      response,
      events,
      close: () => response.destroy(),
      /** Waits for an event of this kind that is as it should be, among those to come, and takes all before it away. */
      async next<E extends keyof StreamEvents>(kind: E, fits: (data: StreamEvents[E]) => boolean = () => true) {
        for (;;) {
          const at = events.findIndex(({ event, data }) => event === kind && fits(data as StreamEvents[E]));
          if (at >= 0) return events.splice(0, at + 1).at(-1)!.data as StreamEvents[E];
          if (ended) throw new Error(`the stream has ended before "${kind}"`);
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
    };
  }
}

/** What a page is made from that has no voyage. */
export const noVoyages = (): PageRoots => ({
  voyages: async () => [],
  view: async () => null,
  watch: () => () => {},
  events: async () => ({ events: [], last: 0 }),
  logs: async () => ({ lines: [], cursor: "", truncated: false }),
  order: async () => ({ message: "done" }),
  close: () => {},
});

/** Opens the page of a helm that is not there, in this process. */
export async function openPage(roots: Partial<PageRoots> = {}, wallMs?: () => number) {
  await ensureBundle();
  const folder = mkdtempSync(join(tmpdir(), "ocpage-"));
  const file = join(folder, "page.json");
  const make = () => new PageServer({ ...noVoyages(), ...roots }, () => {}, { file, ...(wallMs && { wallMs }) });
  const server = make();
  await server.start();
  const { url } = await server.open({});
  const port = Number(new URL(url).port);
  return {
    server,
    file,
    url,
    port,
    /** Another helm after this one, with the same file. */
    make,
    browser: () => new Browser(port),
    remove: async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
