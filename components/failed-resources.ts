/** Exit status of a program whose errors have been shown (`@pulumi/pulumi/cmd/run`): the engine then deletes nothing that was not registered. */
const SHOWN = 32;

const FOLLOWS = /^(error serializing property "[^"]*": )*resource \S+ \[[^\]]*\] failed to register$/;

/**
 * A resource that could not be made is told by the engine, with its own error. What hangs on it then cannot be registered, and the SDK (3.259) tells each of
 * these as an unhandled exception of the program, with a trace. They are left out; all else is told as ever.
 */
export function tellFailuresOnce(): void {
  const told = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason, promise) => {
    if (reason instanceof Error && FOLLOWS.test(reason.message)) process.exitCode = SHOWN;
    else for (const tell of told) tell(reason, promise);
  });
}
