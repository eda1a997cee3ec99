import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { telemetrySocket } from "../../lib/base/paths.ts";
import type { Table } from "../../lib/telemetry/schema.ts";
import { IntakeStatus, SENDER_HEADER, takePath } from "../../lib/telemetry/wire.ts";
import { until } from "../support/until.ts";

/** The telemetry process by itself, and the helm's part of the socket. */
export class TestIntake {
  readonly root = mkdtempSync(join(tmpdir(), "oct-"));
  readonly folder = join(this.root, "v", "telemetry");
  #process: ChildProcess | undefined;
  readonly #before: readonly string[];
  output = "";

  /** @param before a command that starts the process, as one that mounts something for it */
  constructor(before: readonly string[] = []) {
    this.#before = before;
    process.env.OCAPTAIN_HOME = join(this.root, "h");
  }

  async start(env: Record<string, string> = {}): Promise<void> {
    const command = [...this.#before, process.execPath, join(import.meta.dirname, "../../telemetry/main.ts")];
    const child = spawn(command[0]!, command.slice(1), { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
    this.#process = child;
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream!.on("data", (chunk: Buffer) => {
        said += chunk;
        this.output += chunk;
      });
    await until("the process to be ready", () => said.includes("ready"), 30_000, { said: () => said });
  }

  get isGone(): boolean {
    return this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Ends it as a helm's end does, or by a signal. */
  async end(signal?: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || this.isGone) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (signal) child.kill(signal);
    else child.stdin!.end();
    await gone;
  }

  async remove(): Promise<void> {
    await this.end("SIGKILL");
    rmSync(this.root, { recursive: true, force: true });
  }

  /** Sends a body as the helm hands it on; resolves to the answer's status, and 0 when there is none. */
  send(table: Table, body: Buffer | string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
    const sender = { folder: this.folder, voyage: "abc123", ship: "ship-0", task: "1", epoch: 1 };
    return this.call(takePath(table), body, {
      "content-type": "application/json",
      [SENDER_HEADER]: encodeURIComponent(JSON.stringify(sender)),
      ...headers,
    });
  }

  async flush(): Promise<IntakeStatus> {
    return IntakeStatus.parse(JSON.parse((await this.call("/flush", "")).body));
  }

  call(path: string, body: Buffer | string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
    return new Promise((resolve) => {
      const sent = request({ socketPath: telemetrySocket(), method: "POST", path, headers, agent: false }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk;
        });
        response.on("close", () => resolve({ status: response.complete ? response.statusCode! : 0, body: text }));
      });
      sent.on("error", () => resolve({ status: 0, body: "" }));
      sent.end(body);
    });
  }
}

/** A request of `count` log records, whose names are `<name>-<number>`. */
export const logs = (name: string, count = 1, more: object = {}): string =>
  JSON.stringify({
    resourceLogs: [
      {
        scopeLogs: [
          {
            logRecords: Array.from({ length: count }, (_, index) => ({
              timeUnixNano: `${Date.now()}000000`,
              eventName: `${name}-${index}`,
              ...more,
            })),
          },
        ],
      },
    ],
  });

/** What a query finds, by a DuckDB of this process's own. */
export async function found(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/**
 * The names of all rows in the files of a table, by a plain glob; empty while there is no file. DuckDB opens a file by
 * its name more than once, and fails when another took its place in between: then it is asked again, as a person would.
 */
export async function namesIn(folder: string, table: Table = "logs"): Promise<string[]> {
  const files = `${folder}/${table}/**/*.parquet`;
  for (let tries = 1; ; tries++) {
    const before = filesNow(join(folder, table));
    try {
      if ((await found(`SELECT file FROM glob('${files}')`)).length === 0) return [];
      return (await found(`SELECT name FROM read_parquet('${files}')`)).map(({ name }) => String(name));
    } catch (error) {
      if (tries === 10 || filesNow(join(folder, table)) === before) throw error;
    }
  }
}

/** The whole files of a table, each with the number by which the disk knows it. */
const filesNow = (table: string): string =>
  existsSync(table)
    ? readdirSync(table, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".parquet"))
        .map((name) => `${name} ${statSync(join(table, name), { throwIfNoEntry: false })?.ino}`)
        .sort()
        .join("\n")
    : "";
