import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ClaimContext } from "../../../claim/context.ts";
import type { Claim } from "../../../helm/claim-state.ts";
import type { TelemetryRelay } from "../../../helm/telemetry-relay.ts";
import { telemetryEnvironment } from "./telemetry-environment.ts";
import { amount, modelName, NOTHING_USED, type Prices, plus, priced, type Used } from "./usage.ts";

/** How often Claude Code sends its telemetry: the meter may be so late. */
const EXPORT_MS = 1000;
/** After so long the meter has heard of an answer. */
export const METER_LATE_MS = 1500;
/** The most bytes that one export of telemetry may have; one of a second has some kilobytes. */
const MOST_BYTES = 16 * 1024 * 1024;
const LOGS = "/v1/logs";
const HEARD = [LOGS, "/v1/metrics", "/v1/traces"];

/** Where telemetry goes on to, where the voyage collects it. */
type Onward = { relay: TelemetryRelay; contents: boolean };

/** Opens a meter as the voyage wants it: with or without telemetry for the helm. */
export const meterFor = ({ hello, relay }: Pick<ClaimContext, "hello" | "relay">, prices: Prices): Promise<Meter> =>
  Meter.open(prices, hello.telemetry && { relay, contents: hello.telemetry.contents });

/**
 * Counts what Claude Code uses while it works: Claude Code tells it of each answer of the API, by telemetry to a
 * loopback port of the supervisor. Nothing else tells a cost before a run's end: the stream has none, and of an
 * answer's tokens only the first count; the transcript's `cost-state` is written when the process ends, and not after
 * SIGKILL (seen with 2.1.330; docs/adr/spend-by-telemetry.md).
 *
 * Where the voyage collects telemetry, it hears all of it, and hands it on to the helm as it came: Claude Code itself
 * must not have the ship's token.
 */
export class Meter {
  /** What was used since the meter was opened, in no time. */
  used: Used = NOTHING_USED;
  readonly #prices: Prices;
  readonly #server: Server;
  /** Is called when the meter has heard of more. */
  onGrowth: () => void = () => {};
  /**
   * The secret path of the exports. Others may reach the port, as harbor ships that share a network do, and what they
   * send must not count.
   */
  readonly #path = `/${randomBytes(16).toString("hex")}`;
  /** The records that were counted: an export that got no answer is sent again. */
  readonly #seen = new Set<string>();

  readonly #onward: Onward | undefined;
  /** The claim for which Claude Code works now, if any. */
  claim: Claim | null = null;

  private constructor(prices: Prices, onward: Onward | undefined) {
    this.#prices = prices;
    this.#onward = onward;
    this.#server = createServer(async (request, response) => {
      const url = request.url ?? "";
      const path = url.startsWith(`${this.#path}/`) ? url.slice(this.#path.length) : "";
      if (!HEARD.includes(path)) return void response.writeHead(404, { connection: "close" }).end();
      try {
        const body = await bytesOf(request);
        this.#onward?.relay.take({ path, type: request.headers["content-type"] ?? "", body, claim: this.claim });
        if (path === LOGS) this.#take(JSON.parse(body.toString("utf8")) as Export);
      } catch {} // An export that cannot be read is made up for by the run's own result.
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  }

  /**
   * @param prices the plan's prices, by which those models cost that they name
   * @param onward where telemetry goes on to. @default it is counted here, and goes nowhere
   */
  static async open(prices: Prices, onward?: Onward): Promise<Meter> {
    const meter = new Meter(prices, onward);
    await new Promise<void>((resolve, reject) => {
      meter.#server.once("error", reject);
      meter.#server.listen(0, "127.0.0.1", resolve);
    });
    return meter;
  }

  /** What Claude Code needs in its environment to send its telemetry here. */
  get environment(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}${this.#path}`;
    return telemetryEnvironment(endpoint, EXPORT_MS, this.#onward);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(told: Export): void {
    const records = (told.resourceLogs ?? []).flatMap((of) => of.scopeLogs ?? []).flatMap((of) => of.logRecords ?? []);
    let grown = false;
    for (const record of records) {
      if (record.body?.stringValue !== "claude_code.api_request") continue;
      const value = (key: string) => record.attributes?.find((attribute) => attribute.key === key)?.value;
      const told = (key: string) => amount(value(key)?.doubleValue ?? value(key)?.intValue);
      const id = `${record.timeUnixNano} ${value("request_id")?.stringValue} ${value("event.sequence")?.intValue}`;
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      grown = true;
      const model = modelName(value("model")?.stringValue);
      const answer = {
        costUsd: told("cost_usd"),
        inputTokens: told("input_tokens"),
        outputTokens: told("output_tokens"),
        cacheReadTokens: told("cache_read_tokens"),
        cacheCreationTokens: told("cache_creation_tokens"),
      };
      this.used = plus(this.used, priced(model, answer, this.#prices), model);
    }
    if (grown) this.onGrowth();
  }
}

/** An export in OTLP's JSON, as far as it is read here. */
type Export = {
  resourceLogs?: {
    scopeLogs?: {
      logRecords?: {
        timeUnixNano?: string;
        body?: { stringValue?: string };
        attributes?: { key: string; value: { stringValue?: string; intValue?: number | string; doubleValue?: number } }[];
      }[];
    }[];
  }[];
};

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MOST_BYTES) throw new Error(`an export of telemetry has more than ${MOST_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
