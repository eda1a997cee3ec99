import { createWriteStream, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** One line of `requests.jsonl`. It has neither query nor body, because those carry commands. */
export type RequestLine = { at: string; method: string; path: string; status: number; ms: number };

const MAX_BYTES = 16 * 1024 * 1024;

/** Opens `<home>/requests.jsonl` (0600) to append to; it starts anew at 16 MiB. */
export function openRequestLog(home: string) {
  const file = join(home, "requests.jsonl");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  let bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const open = () => {
    if (bytes > MAX_BYTES) {
      rmSync(file, { force: true });
      bytes = 0;
    }
    // A full disk does not end the harbor.
    return createWriteStream(file, { flags: "a", mode: 0o600 }).on("error", () => {});
  };
  let stream = open();
  return {
    write(line: RequestLine): void {
      const text = `${JSON.stringify(line)}\n`;
      bytes += text.length;
      stream.write(text);
      if (bytes <= MAX_BYTES) return;
      stream.end();
      stream = open();
    },
    close: () => new Promise<void>((resolve) => stream.end(resolve)),
  };
}
