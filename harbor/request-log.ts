import { createWriteStream, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** One line of `requests.jsonl`. No query, no body: they carry commands. */
export type RequestLine = { at: string; method: string; path: string; status: number; ms: number };

const MAX_BYTES = 16 * 1024 * 1024;

/** Appends to `<home>/requests.jsonl` (0600), which starts anew with a harbor that finds it over 16 MiB. */
export function openRequestLog(home: string) {
  const file = join(home, "requests.jsonl");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) rmSync(file);
  const stream = createWriteStream(file, { flags: "a", mode: 0o600 });
  stream.on("error", () => {}); // a full disk does not end the harbor
  return {
    write: (line: RequestLine) => void stream.write(`${JSON.stringify(line)}\n`),
    close: () => new Promise<void>((resolve) => stream.end(resolve)),
  };
}
