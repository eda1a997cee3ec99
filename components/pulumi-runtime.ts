import { getStack, Resource, RunError } from "@pulumi/pulumi";
import { explain } from "../lib/base/errors.ts";

/**
 * Every resource's state names the line of code that made it, relative to the project. The SDK (3.259) takes the file names of stack traces
 * for paths, but those of ES modules are URLs, and so the whole path of this machine's checkout came into state. This leaves the scheme out.
 */
Object.assign(Resource, {
  framePositionRegExp: /^\s*at .* \((?:file:\/\/)?(?<file>.*):(?<line>[0-9]+):(?<column>[0-9]+)\)$/,
});

/** Runs a step of the program. Its failure ends the program with message and hint, without the stack that Pulumi prints for other errors. */
export async function plainly<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw new RunError(explain(error, getStack()));
  }
}

/** The exit status of a program whose errors have been shown (`@pulumi/pulumi/cmd/run`): the engine then deletes nothing that was not registered. */
const SHOWN = 32;

const FOLLOWS = /^(error serializing property "[^"]*": )*resource \S+ \[[^\]]*\] failed to register$/;

/**
 * Keeps a failure from being told many times. The engine tells which resource could not be made, with its own error. What depends on it can
 * then not be registered, and the SDK (3.259) tells each of these as an unhandled exception of the program, with a trace. Those are left out;
 * all else is told as before.
 */
export function tellFailuresOnce(): void {
  const told = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason, promise) => {
    if (reason instanceof Error && FOLLOWS.test(reason.message)) process.exitCode = SHOWN;
    else for (const tell of told) tell(reason, promise);
  });
}
