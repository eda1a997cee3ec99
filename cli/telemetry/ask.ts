import { spawn } from "node:child_process";
import { totalmem } from "node:os";
import { createInterface } from "node:readline";
import { OcaptainError } from "../../lib/base/errors.ts";
import { programFile } from "../../lib/base/program-file.ts";
import type { Line } from "../reader/wire.ts";
import type { Sources } from "./sources.ts";

export type Column = { name: string; type: string };
/** Takes an answer as it comes. */
export type Taker = { columns(columns: readonly Column[]): void; rows(rows: readonly unknown[][]): void };
export type End = Extract<Line, { end: object }>["end"];

const MOST_MIB = 1024;
/** After so long the process is ended that was to end by itself. */
const GRACE_MS = 5_000;

/**
 * Asks in SQL over what there is, in a process of its own that can only read, and has no secret in its environment.
 * @param options.seconds how long the answer may take
 * @throws OcaptainError QUERY when it cannot be answered, TOO_LONG, TOO_MUCH
 */
export async function ask(
  sources: Pick<Sources, "folders" | "rows">,
  sql: string[],
  taker: Taker,
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<End> {
  signal.throwIfAborted();
  const memoryMiB = Math.min(MOST_MIB, Math.max(128, Math.floor(totalmem() / 4 / 1024 ** 2)));
  const { PATH = "", HOME = "" } = process.env;
  const reader = spawn(process.execPath, [programFile("cli/reader/main")], {
    stdio: ["pipe", "pipe", "pipe", "ipc"],
    env: { PATH, HOME },
  });
  const kill = () => void reader.kill("SIGKILL");
  const late = setTimeout(kill, seconds * 1000 + GRACE_MS);
  signal.addEventListener("abort", kill);
  const ended = new Promise<void>((resolve, reject) => {
    reader.once("error", reject);
    reader.once("close", () => resolve());
  });
  let complaint = "";
  reader.stderr!.on("data", (chunk) => {
    complaint = `${complaint}${chunk}`.slice(-2000);
  });
  try {
    reader.stdin!.on("error", () => {});
    reader.stdin!.end(JSON.stringify({ sql, folders: sources.folders, rows: sources.rows, memoryMiB, seconds }));
    let end: End | undefined;
    for await (const text of createInterface({ input: reader.stdout!, crlfDelay: Number.POSITIVE_INFINITY })) {
      const line = JSON.parse(text) as Line;
      if ("error" in line) throw failed(line.error, seconds, memoryMiB);
      if ("columns" in line) taker.columns(line.columns);
      else if ("rows" in line) taker.rows(line.rows);
      else end = line.end;
    }
    await ended;
    signal.throwIfAborted();
    if (!end)
      throw new OcaptainError("QUERY", `the process that reads has ended without an answer: ${complaint.trim() || "killed"}`);
    return end;
  } finally {
    clearTimeout(late);
    signal.removeEventListener("abort", kill);
    kill();
  }
}

function failed({ code, message }: Extract<Line, { error: object }>["error"], seconds: number, memoryMiB: number): OcaptainError {
  if (code === "TOO_LONG")
    return new OcaptainError("TOO_LONG", `the answer took longer than ${seconds} s, and was ended`, {
      hint: "ocaptain telemetry query --help  # --timeout 10m gives it longer; a day or a voyage is less to read",
    });
  if (code === "TOO_MUCH")
    return new OcaptainError("TOO_MUCH", `the answer needs more memory than the ${memoryMiB} MiB that it may take`, {
      hint: "ask for less: a day, a voyage, fewer columns, sums instead of rows",
    });
  if (code === "NO_QUESTION") return new OcaptainError("USAGE", message, { hint: "ocaptain telemetry query --help" });
  if (code === "READS_ONLY") return new OcaptainError("READS_ONLY", message, { hint: "ocaptain telemetry query --help" });
  return new OcaptainError("QUERY", message, {
    hint: "ocaptain telemetry query 'DESCRIBE logs'  # or metrics, spans, runs, spend, tasks, events, voyages",
  });
}
