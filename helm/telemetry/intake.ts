import { existsSync } from "node:fs";
import { Agent, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { telemetryHome, telemetrySocket } from "../../lib/base/paths.ts";
import { readAtMost } from "../../lib/base/read-at-most.ts";
import type { Table } from "../../lib/telemetry/schema.ts";
import {
  type Dropped,
  type DropReason,
  IntakeStatus,
  MOST_BODY_BYTES,
  SENDER_HEADER,
  type Sender,
  takePath,
} from "../../lib/telemetry/wire.ts";
import { HttpError } from "../http-error.ts";
import type { Log } from "../log.ts";
import { Child } from "./child.ts";
import { Rate } from "./rate.ts";

/** How many requests may be under way to the telemetry process, of all senders and of one. */
const MOST_AT_ONCE = 32;
const MOST_OF_ONE = 8;
/** How long a request waits for a process that starts. */
const START_MS = 10_000;
/** How long nothing may come of a body, and how long the process may take for one. */
const QUIET_MS = 30_000;
const ANSWER_MS = 60_000;
/** A process that nobody has sent anything for so long is ended. */
const IDLE_MS = 10 * 60_000;
const AGAIN_SECONDS = 5;
const STATUS_MS = 10_000;
const MOST_ANSWER_BYTES = 16 * 1024 * 1024;

/** Hands on what senders send to the telemetry process, and counts what it has to refuse. */
export class Intake {
  readonly #child: Child;
  readonly #rate = new Rate();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MOST_AT_ONCE + 2 });
  readonly #under = new Map<string, number>();
  readonly #refused = new Map<string, Dropped>();
  #all = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(log: Log) {
    this.#child = new Child(log);
  }

  /**
   * Takes a request for `table`: it goes on to the telemetry process as it comes, and so does the answer back.
   * @throws HttpError 413, 429, or 503 while the process is away or behind
   */
  async take(table: Table, sender: Sender, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const who = JSON.stringify([sender.folder, sender.ship]);
    const waitSeconds = this.#rate.wait(who);
    if (waitSeconds > 0) throw this.#refuse(sender, "rate", 429, "this sender sends more than it may", waitSeconds);
    if (Number(request.headers["content-length"] ?? 0) > MOST_BODY_BYTES)
      throw this.#refuse(sender, "too-big", 413, `the body has more than ${MOST_BODY_BYTES} bytes`);
    const under = this.#under.get(who) ?? 0;
    if (this.#all >= MOST_AT_ONCE || under >= MOST_OF_ONE)
      throw this.#refuse(sender, "behind", 503, "too many requests of telemetry are under way", 1);
    this.#all += 1;
    this.#under.set(who, under + 1);
    try {
      clearTimeout(this.#idle);
      if (!(await this.#child.ready(START_MS)))
        throw this.#refuse(sender, "behind", 503, "the telemetry process is not there", AGAIN_SECONDS);
      await this.#handOn(table, sender, request, response, (bytes) => this.#rate.sent(who, bytes));
    } finally {
      this.#all -= 1;
      const left = this.#under.get(who)! - 1;
      if (left > 0) this.#under.set(who, left);
      else this.#under.delete(who);
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.#child.rest(), IDLE_MS).unref();
    }
  }

  /** Lets the process write to files all that it has, before a folder is moved. Does nothing while none runs. */
  async flush(): Promise<void> {
    if (this.#child.isWanted) await this.#call("/flush").catch(() => {});
  }

  /** What the process tells of itself, null when none runs; and what was refused before it got there. */
  async status(): Promise<{ intake: IntakeStatus | null; refused: { folder: string; dropped: Dropped }[] }> {
    const intake =
      this.#child.isWanted || existsSync(join(telemetryHome(), "buffer.duckdb"))
        ? await this.#call("/status").catch(() => null)
        : null;
    return { intake, refused: [...this.#refused].map(([folder, dropped]) => ({ folder, dropped })) };
  }

  end(): void {
    clearTimeout(this.#idle);
    this.#child.end();
  }

  #refuse({ folder }: Sender, reason: DropReason, status: number, message: string, againSeconds?: number): HttpError {
    const counts = this.#refused.get(folder) ?? {};
    counts[reason] = (counts[reason] ?? 0) + 1;
    this.#refused.set(folder, counts);
    return new HttpError(status, reason, message, againSeconds);
  }

  #handOn(
    table: Table,
    sender: Sender,
    request: IncomingMessage,
    response: ServerResponse,
    came: (bytes: number) => void,
  ): Promise<void> {
    const headers: Record<string, string> = { [SENDER_HEADER]: encodeURIComponent(JSON.stringify(sender)) };
    for (const name of ["content-type", "content-encoding", "content-length"] as const)
      if (request.headers[name]) headers[name] = request.headers[name];
    request.setTimeout(QUIET_MS, () => request.destroy());
    return new Promise((resolve, reject) => {
      const fail = () => {
        request.unpipe(onward);
        reject(this.#refuse(sender, "behind", 503, "the telemetry process does not answer", AGAIN_SECONDS));
      };
      const onward = ask({ socketPath: telemetrySocket(), agent: this.#agent, method: "POST", path: takePath(table), headers });
      onward.setTimeout(ANSWER_MS, () => onward.destroy());
      onward.once("error", fail);
      onward.once("response", (answer) => {
        request.setTimeout(0);
        onward.off("error", fail).on("error", () => {});
        readAtMost(answer, MOST_ANSWER_BYTES, "the answer").then((body) => {
          const { "content-type": type = "application/json", "retry-after": again } = answer.headers;
          if (!response.headersSent && !response.destroyed)
            response.writeHead(answer.statusCode ?? 502, { "content-type": type, ...(again && { "retry-after": again }) });
          response.end(body);
          resolve();
        }, fail);
      });
      let bytes = 0;
      request.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      request.once("close", () => {
        came(bytes);
        request.setTimeout(0);
        if (!request.complete) onward.destroy();
      });
      request.pipe(onward);
    });
  }

  async #call(path: string): Promise<IntakeStatus> {
    if (!(await this.#child.ready(START_MS))) throw new Error("the telemetry process is not there");
    return new Promise((resolve, reject) => {
      const onward = ask({ socketPath: telemetrySocket(), agent: false, method: "POST", path }, (answer) => {
        readAtMost(answer, MOST_ANSWER_BYTES, "the answer")
          .then((body) => resolve(IntakeStatus.parse(JSON.parse(body.toString("utf8")))))
          .catch(reject);
      });
      onward.setTimeout(STATUS_MS, () => onward.destroy(new Error("the telemetry process does not answer")));
      onward.once("error", reject).end();
    });
  }
}
