import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { telemetryHome } from "../../lib/base/paths.ts";
import { holderOf } from "../../lib/base/port-holder.ts";
import type { StartTelemetry, TelemetryStarted } from "../../lib/telemetry/wire.ts";
import { HttpError } from "../http-error.ts";
import type { Log } from "../log.ts";
import { sendError } from "../server/http.ts";
import type { Intake } from "./intake.ts";
import { captain, tableOfProgram } from "./otlp.ts";

/** What `ocaptain telemetry start` has asked for; it holds for later helms, until `ocaptain telemetry stop`. */
const Asked = z.object({ port: z.number(), tokenHash: z.string().nullable() });
type Asked = z.infer<typeof Asked>;

const sha256 = (text: string) => createHash("sha256").update(text).digest();

/**
 * Takes telemetry of the captain's programs that are on no ship, at loopback alone. Programs that are set up for OTLP's
 * own port, 4318, find it there when the helm serves ships at it, as it does unless another program holds it.
 */
export class Programs {
  readonly #intake: Intake;
  readonly #log: Log;
  readonly #file = join(telemetryHome(), "programs.json");
  #asked: Asked | null = null;
  #server: Server | null = null;
  #helmPort = 0;

  constructor(intake: Intake, log: Log) {
    this.#intake = intake;
    this.#log = log;
  }

  /** Whether programs may send now, where, and whether with a token. */
  get state(): { port: number; needsToken: boolean } | null {
    return this.#asked && { port: this.#asked.port, needsToken: this.#asked.tokenHash !== null };
  }

  /**
   * Goes on with what an earlier helm was asked for.
   * @param helmPort the port of loopback at which this one serves ships
   */
  async open(helmPort: number): Promise<void> {
    this.#helmPort = helmPort;
    if (!existsSync(this.#file)) return;
    try {
      const asked = Asked.parse(JSON.parse(readFileSync(this.#file, "utf8")));
      await this.#listen(asked.port);
      this.#asked = asked;
    } catch (error) {
      this.#log("telemetry-not-listening", { error: String(error) });
    }
  }

  /** @throws OcaptainError PORT_BUSY */
  async start({ port, needsToken }: StartTelemetry): Promise<TelemetryStarted> {
    const token = needsToken ? randomBytes(24).toString("base64url") : null;
    if (this.#asked?.port !== port) await this.#listen(port);
    this.#asked = { port, tokenHash: token && sha256(token).toString("hex") };
    await writeAtomically(this.#file, `${JSON.stringify(this.#asked)}\n`, 0o600);
    return { port, token };
  }

  async stop(): Promise<void> {
    this.#asked = null;
    rmSync(this.#file, { force: true });
    this.#close();
    await this.#intake.flush();
  }

  /**
   * Takes a request, if it is one of OTLP's. Returns false when it is none, or programs may not send here.
   * @throws HttpError
   */
  async take(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const table = tableOfProgram(request);
    const { localAddress = "", localPort } = request.socket;
    const asked = this.#asked;
    if (!table || !asked || asked.port !== localPort || !/^(::ffff:)?127\./.test(localAddress)) return false;
    // A page in a browser that posts here names itself, or another host than loopback.
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    if (request.headers.origin !== undefined || !["localhost", "127.0.0.1", "[::1]"].includes(host))
      throw new HttpError(403, "FORBIDDEN", "telemetry is taken from programs of this machine, and not from pages");
    if (asked.tokenHash !== null && !isToken(request.headers.authorization, asked.tokenHash))
      throw new HttpError(401, "unauthorized", "telemetry is taken with the token that ocaptain telemetry start has printed");
    await this.#intake.take(table, captain(), request, response);
    return true;
  }

  close(): void {
    this.#close();
  }

  /** Listens at a port of loopback, besides the helm's own, and no more at the one before. */
  async #listen(port: number): Promise<void> {
    if (port === this.#helmPort) return this.#close();
    const server = createServer((request, response) => {
      this.take(request, response)
        .then((taken) => {
          if (!taken) throw new HttpError(404, "NOT_FOUND", "only OTLP is heard here: POST /v1/logs, /v1/metrics, /v1/traces");
        })
        .catch((error) => sendError(response, error));
    });
    try {
      server.listen({ host: "127.0.0.1", port });
      await once(server, "listening");
    } catch (cause) {
      const hint = `ocaptain telemetry start --port ${port === 65_535 ? port - 1 : port + 1}`;
      throw new OcaptainError("PORT_BUSY", `port ${port} of this machine is held by ${holderOf(port)}`, { hint, cause });
    }
    this.#close();
    this.#server = server;
  }

  #close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = null;
  }
}

function isToken(authorization: string | undefined, hash: string): boolean {
  const token = /^Bearer (.+)$/.exec(authorization ?? "")?.[1] ?? "";
  return timingSafeEqual(sha256(token), Buffer.from(hash, "hex"));
}
