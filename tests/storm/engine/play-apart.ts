import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endAllBelow } from "../../../tools/run-tier.ts";
import type { History } from "../history.ts";

const LONGEST_MS = 25 * 60_000;
const ONE = join(import.meta.dirname, "one.ts");

/** The outcome of one history: what was broken, and how often each kind of run and trouble came to pass. */
export type Played = { broken: string[]; counts: Record<string, number> };

/**
 * Plays a history in a process and a folder of its own, so that what it sets and starts is nobody else's, and ends
 * whatever is left of it. As root it also gets mounts of its own, for the small disks.
 */
export async function playApart(history: History, say: (line: string) => void, signal?: AbortSignal): Promise<Played> {
  const folder = mkdtempSync(join(tmpdir(), "st"));
  const isRoot = process.getuid?.() === 0;
  const [program = "", ...args] = [
    ...(isRoot ? ["unshare", "--mount", "--propagation", "private"] : []),
    ...[process.execPath, ONE, JSON.stringify(history)],
  ];
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TMPDIR: folder, ...(isRoot && { STORM_OWN_MOUNTS: "1" }) },
  });
  let played: Played | undefined;
  const lines = createInterface(child.stdout).on("line", (line) => {
    if (line.startsWith("{")) played = JSON.parse(line) as Played;
    else say(line);
  });
  const stop = () => child.kill("SIGKILL");
  const timer = setTimeout(stop, LONGEST_MS);
  signal?.addEventListener("abort", stop);
  try {
    await once(child, "exit");
    // What a history leaves running may hold the other end of its standard output.
    lines.close();
    return played ?? { broken: [`the history did not come to its end within ${LONGEST_MS / 60_000} minutes`], counts: {} };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    await endAllBelow(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
