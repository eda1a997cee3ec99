import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { plainJson } from "../lib/base/text.ts";

/** Notes one event in the helm's log. No secret ever goes in. */
export type Log = (event: string, facts?: Record<string, unknown>) => void;

const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Opens a log of JSON lines `{at, event, …}` in `file` (0600); past 16 MiB it becomes `<file>.1`. A full disk does not
 * stop the helm.
 */
export function openLog(file: string): Log {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  let bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return (event, facts = {}) => {
    const line = `${plainJson({ at: new Date().toISOString(), event, ...facts })}\n`;
    try {
      if (bytes > MOST_BYTES) {
        renameSync(file, `${file}.1`);
        bytes = 0;
      }
      appendFileSync(file, line, { mode: 0o600 });
      bytes += line.length;
    } catch {}
  };
}
