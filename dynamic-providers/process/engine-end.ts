import { orphanedProviders } from "../../lib/daemons/orphaned-providers.ts";

let calls = 0;
let orphaned = false;

/** A call that was under way when its engine was killed may take so long; then the next `up` does it anew. */
const LAST_CALL_MS = 5 * 60_000;
const PARENT_LOOK_MS = 1_000;

/** Counts a call while it runs; call the answer when it has ended. */
export function underWay(): () => void {
  calls += 1;
  return () => {
    calls -= 1;
    if (orphaned && calls === 0) process.exit(0);
  };
}

/** What has not begun when the engine is gone is not begun any more: a later engine may have decided otherwise. */
export function refuseForOrphans(): void {
  if (orphaned) throw new Error("the engine that asked for it is gone: not begun");
}

/**
 * Ends this process when its engine is gone. The vendor's provider process outlives an engine that is killed, for ever; its standard input
 * closes with the engine (docs/adr/pulumi-config-reaches-providers-late.md), and its parent becomes another. A call under way is finished first: the next `up`
 * waits for it at the voyage's lock and finds what it made. Those of earlier engines that never had a call, and so none of this code, are ended here. Does
 * nothing outside the vendor's provider process.
 */
export function endWithTheEngine(): void {
  if (!process.argv[1]?.includes("dynamic-provider")) return;
  const parent = process.ppid;
  process.title = "ocaptain dynamic-provider"; // one that sees to its own end: not to be taken for one that never had a call
  const engineIsGone = () => {
    if (orphaned) return;
    orphaned = true;
    if (calls === 0) process.exit(0);
    setTimeout(() => process.exit(0), LAST_CALL_MS);
  };
  process.stdin.on("error", () => {});
  process.stdin.once("close", engineIsGone);
  process.stdin.resume().unref?.(); // a stdin that is no pipe cannot be let go
  setInterval(() => process.ppid !== parent && engineIsGone(), PARENT_LOOK_MS).unref();
  void endOrphans();
}

async function endOrphans(): Promise<void> {
  for (const pid of await orphanedProviders(process.cwd())) {
    try {
      process.kill(pid);
    } catch {
      // it has ended by itself
    }
  }
}
