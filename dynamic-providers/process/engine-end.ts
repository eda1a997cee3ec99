import { orphanedProviders } from "../../lib/daemons/orphaned-providers.ts";

let calls = 0;
let orphaned = false;

/** The longest that a call may go on after its engine was killed; the next `up` does it anew. */
const LAST_CALL_MS = 5 * 60_000;
const PARENT_LOOK_MS = 1_000;

/** The mark by which tools/engine-end.cjs, which ends a provider that had no call yet, learns that this file does. */
const TAKEN_OVER = Symbol.for("ocaptain ends with the engine");

/** Counts a call while it runs: the function that it returns is to be called when the call has ended. */
export function underWay(): () => void {
  calls += 1;
  return () => {
    calls -= 1;
    if (orphaned && calls === 0) process.exit(0);
  };
}

/**
 * Throws when the engine is gone: what has not begun by then must not begin, since a later engine may have decided
 * otherwise.
 */
export function refuseForOrphans(): void {
  if (orphaned) throw new Error("the engine that asked for it is gone: not begun");
}

/**
 * Ends this process when its engine is gone. Pulumi's provider process outlives an engine that is killed, for ever; but
 * its standard input closes with the engine (docs/adr/pulumi-config-reaches-providers-late.md), and its parent becomes
 * another process. A call under way is finished first: the next `up` waits for it at the voyage's lock and finds what
 * it made. Before the first call tools/engine-end.cjs does it, where `pulumi` was started with our environment; where
 * it was not, provider processes of earlier engines that never had a call are ended here too. Does nothing outside
 * Pulumi's provider process.
 */
export function endWithTheEngine(): void {
  if (!process.argv[1]?.includes("dynamic-provider")) return;
  (globalThis as Record<symbol, unknown>)[TAKEN_OVER] = true;
  const parent = process.ppid;
  // A process that ends itself is not to be taken for one that never had a call.
  process.title = "ocaptain dynamic-provider";
  const engineIsGone = () => {
    if (orphaned) return;
    orphaned = true;
    if (calls === 0) process.exit(0);
    setTimeout(() => process.exit(0), LAST_CALL_MS);
  };
  process.stdin.on("error", () => {});
  process.stdin.once("close", engineIsGone);
  process.stdin.resume().unref?.(); // a standard input that is no pipe has no `unref`
  setInterval(() => process.ppid !== parent && engineIsGone(), PARENT_LOOK_MS).unref();
  void endOrphans();
}

/** Ends the provider processes of this project whose engines are gone and that never had a call. */
async function endOrphans(): Promise<void> {
  for (const pid of await orphanedProviders(process.cwd())) {
    try {
      process.kill(pid);
    } catch {
      // it has ended by itself
    }
  }
}
