import { getStack, Resource, RunError } from "@pulumi/pulumi";
import { explain } from "../lib/base/errors.ts";

/**
 * Corrects how the SDK (3.259) finds the line of code that made a resource, which it keeps in state relative to the
 * project. It takes the file names of stack traces for paths, but those of ES modules are URLs, so that the whole path
 * of this machine's checkout got into state. This expression leaves the URL's scheme out.
 */
Object.assign(Resource, {
  framePositionRegExp: /^\s*at .* \((?:file:\/\/)?(?<file>.*):(?<line>[0-9]+):(?<column>[0-9]+)\)$/,
});

/**
 * Runs a step of the program.
 * @throws RunError with the failure's message and hint, for which Pulumi prints no stack as it does for other errors
 */
export async function plainly<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw new RunError(explain(error, getStack()));
  }
}

/**
 * The exit status of a program whose errors have been shown already (`@pulumi/pulumi/cmd/run`). With this status the
 * engine does not delete the resources that the program has not come to register.
 */
const SHOWN = 32;

const FOLLOWS = /^(error serializing property "[^"]*": )*resource \S+ \[[^\]]*\] failed to register$/;

/**
 * Keeps one failure from being shown many times. The engine shows which resource could not be made, with its own error.
 * What depends on that resource can then not be registered, and the SDK (3.259) shows each of these as an unhandled
 * exception of the program, with a trace. Those are left out; all others are shown as before.
 */
export function tellFailuresOnce(): void {
  const told = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason, promise) => {
    if (reason instanceof Error && FOLLOWS.test(reason.message)) process.exitCode = SHOWN;
    else for (const tell of told) tell(reason, promise);
  });
}
