import { watch } from "node:fs";

/**
 * How often the files are looked at anyway: watching misses what has no events (a folder made a moment ago, another
 * file system).
 */
const POLL_MS = 2_000;
/** How long a change settles: a sync puts several files in place at once. */
const SETTLE_MS = 50;

/**
 * Watches a folder: `next` resolves when something below `root` has changed, after {@link POLL_MS}, or when `signal`
 * aborts. `close` ends it.
 */
export function watcher(root: string, signal: AbortSignal) {
  let wake = () => {};
  let pending = false;
  const changed = () => {
    pending = true;
    wake();
  };
  const open = () => {
    try {
      return watch(root, { recursive: true }, changed).on("error", () => {});
    } catch {
      return undefined; // no such folder yet: polled
    }
  };
  let watching = open();
  signal.addEventListener("abort", changed);
  return {
    async next(): Promise<void> {
      watching ??= open();
      if (!pending && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, POLL_MS);
          wake = () => {
            clearTimeout(timer);
            setTimeout(resolve, signal.aborted ? 0 : SETTLE_MS);
          };
        });
      }
      wake = () => {};
      pending = false;
    },
    close(): void {
      watching?.close();
      signal.removeEventListener("abort", changed);
    },
  };
}
