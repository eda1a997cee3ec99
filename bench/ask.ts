import { randomUUID } from "node:crypto";
import { Agent, type IncomingMessage, request } from "node:http";

/**
 * A ship as the helm sees it, with connections and a token of its own. It takes no more processor time than a call
 * needs.
 */
export class AskingShip {
  readonly #token: string;
  readonly #incarnation: string;
  // A supervisor keeps its connection, as fetch does.
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2 });
  #presence: IncomingMessage | undefined;

  constructor(token: string, incarnation: string) {
    this.#token = token;
    this.#incarnation = incarnation;
  }

  /** Says hello, and stays present until `leave`. */
  async board(): Promise<void> {
    await this.call("hello", { pid: 1, node: process.version, git: "2" });
    this.#presence = await this.#send("GET", "presence");
    this.#presence.resume().on("error", () => {});
  }

  /** One call of lib/protocol/ship-api.ts: the reply, and the milliseconds from before it is sent until it is read. */
  async call(name: string, body: object = {}): Promise<{ reply: unknown; ms: number }> {
    const text = JSON.stringify({ requestId: randomUUID(), incarnation: this.#incarnation, ...body });
    const started = performance.now();
    const response = await this.#send("POST", name, text);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const ms = performance.now() - started;
    const answer = Buffer.concat(chunks).toString("utf8");
    if (response.statusCode !== 200) throw new Error(`${name} was answered ${response.statusCode}: ${answer}`);
    return { reply: JSON.parse(answer), ms };
  }

  leave(): void {
    this.#presence?.destroy();
    this.#agent.destroy();
  }

  #send(method: string, name: string, body?: string): Promise<IncomingMessage> {
    const headers = {
      authorization: `Bearer ${this.#token}`,
      ...(body !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    };
    const where = { host: "127.0.0.1", port: process.env.OCAPTAIN_HELM_PORT, path: `/v1/ship/${name}`, agent: this.#agent };
    return new Promise((resolve, reject) => {
      request({ ...where, method, headers, signal: AbortSignal.timeout(600_000) }, resolve)
        .once("error", reject)
        .end(body);
    });
  }
}
