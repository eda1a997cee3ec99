/**
 * Ends a process that Pulumi's engine has started once that engine is gone, also before any code of ours runs in it:
 * Pulumi's own code would wait for ever (docs/adr/pulumi-config-reaches-providers-late.md). It is loaded with
 * tools/lean-sdk.cjs, before the program, and does nothing in any other process.
 */
const { fstatSync } = require("node:fs");

const PART = /[\\/]@pulumi[\\/]pulumi[\\/]cmd[\\/](dynamic-provider|run)(?:[\\/](?:index\.js)?)?$/;
const LOOK_MS = 1_000;

/**
 * By this mark dynamic-providers/process/engine-end.ts says that it takes over: from its first call on a provider
 * finishes what is under way.
 */
const TAKEN_OVER = Symbol.for("ocaptain ends with the engine");

const part = PART.exec(process.argv[1] ?? "")?.[1];
if (part === "dynamic-provider" && isPipe()) {
  process.stdin.on("error", () => {});
  // The engine holds the other end of the standard input, which closes when the engine ends, even by SIGKILL.
  process.stdin.once("close", () => globalThis[TAKEN_OVER] || process.exit(0));
  process.stdin.resume().unref?.();
}
if (part === "run") {
  const parent = process.ppid;
  // A program has no standard input; it is the child of the language host, which ends with the engine.
  setInterval(() => process.ppid !== parent && process.exit(0), LOOK_MS).unref();
}

/** Tells whether the standard input has an end that somebody can close: not so of a terminal, a file or nothing. */
function isPipe() {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false; // There is no standard input.
  }
}
