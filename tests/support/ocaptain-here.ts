import { AsyncLocalStorage } from "node:async_hooks";

type Said = { stdout: string; stderr: string };
/** What each run that goes on has written so far; anything else that is written goes where it went before. */
const running = new AsyncLocalStorage<Said>();

/**
 * Runs `ocaptain ARGS` in this process, which takes a tenth of the processor time of a start of its own. It is for what
 * the command says and does; what its process does, with signals, terminals and pipes, is for `ocaptain` of
 * tests/support/ocaptain.ts. One run ends before the next begins, as each sets what hints are about.
 */
export async function ocaptainHere(...args: string[]) {
  const { run } = await import("../../cli/run.ts");
  const said: Said = { stdout: "", stderr: "" };
  const { argv } = process;
  process.argv = [...argv.slice(0, 2), ...args];
  const streams = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const { write } = stream;
    const listeners = stream.listeners("error");
    stream.write = ((...written: Parameters<typeof write>) => {
      const into = running.getStore();
      if (!into) return write.apply(stream, written);
      into[name] += String(written[0]);
      return true;
    }) as typeof write;
    return () => {
      stream.write = write;
      for (const listener of stream.listeners("error"))
        if (!listeners.includes(listener)) stream.off("error", listener as (error: Error) => void);
    };
  });
  try {
    const end = { signal: new AbortController().signal, interrupted: () => undefined };
    const exitCode = await running.run(said, () => run(args, end));
    // As in what a process has written, the last line has no end here.
    return { exitCode, stdout: said.stdout.replace(/\n$/, ""), stderr: said.stderr.replace(/\n$/, "") };
  } finally {
    process.argv = argv;
    for (const putBack of streams) putBack();
  }
}
