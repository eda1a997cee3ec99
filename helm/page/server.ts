import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { helmHome, voyagesRoot } from "../../lib/base/paths.ts";
import type { OpenPage, PageAt } from "../../lib/protocol/admin-api.ts";
import { HttpError } from "../http-error.ts";
import { Listeners } from "../listeners.ts";
import type { Log } from "../log.ts";
import { sendError } from "../server/http.ts";
import { Admission } from "./admission.ts";
import type { PageParts } from "./app.ts";
import { readAssets } from "./assets.ts";
import { checkHost, protect } from "./guard.ts";
import { type Source, Streams } from "./streams.ts";

/** How long nobody may have looked, in ms, before a helm that has no voyage ends although the page is open. */
const UNSEEN_MS = 30 * 60_000;
/** How many connections one address takes: six of each browser that is let in, and some more. */
const MOST_CONNECTIONS = 128;

/** What the page is made from, but for what its server brings itself. */
export type PageRoots = Source & Pick<PageParts, "events" | "logs" | "order"> & { close(): void };

/**
 * The server of the page, which this helm opens when the captain asks for it, and a later helm opens by itself: at the
 * same port, and for the same browsers.
 */
export class PageServer {
  readonly #roots: PageRoots;
  readonly #log: Log;
  readonly #admission: Admission;
  readonly #listeners: Listeners;
  readonly #wallMs: () => number;
  readonly #startedAt: string;
  #streams: Streams | null = null;
  #server: Server | null = null;
  #assets: Awaited<ReturnType<typeof readAssets>> = { files: new Map(), digest: "" };
  #answer: (request: IncomingMessage, response: ServerResponse) => void = () => {};
  #port = 0;
  #seenAt = 0;

  constructor(roots: PageRoots, log: Log, options: { file?: string; wallMs?: () => number } = {}) {
    this.#roots = roots;
    this.#log = log;
    this.#wallMs = options.wallMs ?? Date.now;
    this.#startedAt = new Date(this.#wallMs()).toISOString();
    this.#admission = new Admission(options.file ?? join(helmHome(), "page.json"), this.#wallMs);
    this.#listeners = new Listeners(() => this.#makeServer(), log);
  }

  /** Opens the page where an earlier helm had it open. It is logged where that fails. */
  async start(): Promise<void> {
    try {
      const { isOpen, port } = await this.#admission.load();
      if (isOpen) await this.#listen(port);
    } catch (error) {
      this.#log("page-not-opened", { error: String(error) });
    }
  }

  /**
   * Opens the page, if it is not, and makes the first address for one browser.
   * @throws OcaptainError NO_PAGE, NO_LISTENER
   */
  async open(ask: OpenPage): Promise<PageAt> {
    this.#assets = await readAssets();
    const { kept } = this.#admission;
    const port = ask.port ?? kept.port;
    if (!this.#server || (ask.port !== undefined && ask.port !== this.#port)) {
      await this.#shut();
      await this.#listen(port).catch(async (error: NodeJS.ErrnoException) => {
        // Another program has the port by now: nobody has said that it must be this one.
        if (error.code !== "EADDRINUSE" || ask.port !== undefined) throw error;
        await this.#listen(0);
      });
    }
    await this.#admission.keep({ port: this.#port, isOpen: true, ...(ask.tailnet && { tailnet: ask.tailnet }) });
    if (ask.tailnet?.tun) await this.#listeners.keep([ask.tailnet.address]);
    this.#seenAt = this.#wallMs();
    const at = (host: string) => `http://${host}:${this.#port}/enter?token=${this.#admission.invite()}`;
    const { tailnet } = this.#admission.kept;
    return {
      url: at("127.0.0.1"),
      ...(tailnet && { tailnetUrl: at(tailnet.address) }),
      ...(ask.file && { file: await this.#writeDoor(at("127.0.0.1")) }),
    };
  }

  /** Serves the page no more, and forgets all browsers. */
  async stop(): Promise<void> {
    await this.#admission.forget();
    await this.#admission.keep({ isOpen: false, tailnet: null });
    await this.#shut();
    await rm(doorFile(), { force: true });
  }

  /**
   * Whether a helm without a voyage has to stay for the page's sake: somebody looks at it, or has a short while ago.
   */
  isNeeded(): boolean {
    if (!this.#server) return false;
    if (this.#streams && this.#streams.count > 0) this.#seenAt = this.#wallMs();
    return this.#wallMs() - this.#seenAt < UNSEEN_MS;
  }

  get isOpen(): boolean {
    return this.#server !== null;
  }

  /** Where the page is served, for browsers that were let in: in the tailnet, if there; null while it is not served. */
  get address(): string | null {
    return this.#server && `http://${this.#admission.kept.tailnet?.address ?? "127.0.0.1"}:${this.#port}`;
  }

  /** Ends with the helm; resolves when all is kept. */
  close(): Promise<void> {
    this.#streams?.close();
    void this.#listeners.keep([]);
    this.#roots.close();
    this.#server?.closeAllConnections();
    this.#server?.close();
    return this.#admission.saved();
  }

  async #listen(port: number): Promise<void> {
    if (this.#assets.files.size === 0) this.#assets = await readAssets();
    const server = this.#makeServer();
    server.listen({ host: "127.0.0.1", port });
    await once(server, "listening");
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.#streams = new Streams(this.#roots, () => this.#assets.digest, this.#log);
    const cookieName = `ocaptain_${this.#port}`;
    // A helm whose page is not open does without these.
    const [{ getRequestListener }, { pageApp }] = await Promise.all([import("@hono/node-server"), import("./app.ts")]);
    const app = pageApp({
      ...this.#roots,
      view: (id) => this.#viewOf(id),
      admission: this.#admission,
      cookieName,
      page: () => this.#assets,
      startedAt: this.#startedAt,
      streams: this.#streams,
      log: this.#log,
      onSeen: () => {
        this.#seenAt = this.#wallMs();
      },
      onEntered: () => void rm(doorFile(), { force: true }).catch(() => {}),
    });
    this.#answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
    this.#listeners.start(this.#port);
    const { tailnet } = this.#admission.kept;
    if (tailnet?.tun) await this.#listeners.keep([tailnet.address]).catch(() => {}); // It is logged, and tried again.
    this.#log("page-opened", { port: this.#port });
  }

  #makeServer(): Server {
    const server = createServer({ connectionsCheckingInterval: 5_000 }, (request, response) => {
      protect(response);
      try {
        checkHost(request, this.#hosts());
      } catch (error) {
        sendError(response, error);
        return;
      }
      this.#answer(request, response);
    });
    server.headersTimeout = 10_000;
    server.requestTimeout = 30_000;
    server.maxConnections = MOST_CONNECTIONS;
    return server;
  }

  #hosts(): Set<string> {
    const { tailnet } = this.#admission.kept;
    return new Set(["127.0.0.1", "localhost", ...(tailnet ? [tailnet.address] : [])].map((host) => `${host}:${this.#port}`));
  }

  async #shut(): Promise<void> {
    this.#streams?.close();
    this.#streams = null;
    await this.#listeners.keep([]);
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = null;
  }

  async #viewOf(id: string) {
    const view = await this.#roots.view(id);
    if (view) return view;
    throw new HttpError(404, "NO_VOYAGE", "there is no such voyage");
  }

  /**
   * Writes a file that leads to the first address, for a program that opens files and addresses in a browser: what is
   * in the words of a command, every user of the machine can read. It is not in a hidden folder, which some browsers
   * may not read.
   */
  async #writeDoor(url: string): Promise<string> {
    const html = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${url}"><a href="${url}">ocaptain</a>\n`;
    await writeAtomically(doorFile(), html, 0o600);
    return doorFile();
  }
}

const doorFile = () => join(voyagesRoot(), "dashboard.html");
