let calls = 0;
let orphaned = false;

/** Counts a call while it runs; call the answer when it has ended. */
export function underWay(): () => void {
  calls += 1;
  return () => {
    calls -= 1;
    if (orphaned && calls === 0) process.exit(0);
  };
}

/**
 * Ends this process when its engine is gone. The vendor's provider process outlives an engine that is killed, for ever; its standard input
 * closes with the engine (docs/adr/pulumi-config-reaches-providers-late.md). A call under way is finished first: the next `up` waits for it
 * at the voyage's lock and finds what it made. Does nothing outside the vendor's provider process.
 */
export function endWithTheEngine(): void {
  if (!process.argv[1]?.includes("dynamic-provider")) return;
  process.stdin.on("error", () => {});
  process.stdin.once("close", () => {
    orphaned = true;
    if (calls === 0) process.exit(0);
  });
  process.stdin.resume().unref?.(); // a stdin that is no pipe cannot be let go
}
