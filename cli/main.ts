/**
 * `ocaptain` is the captain's command beside `pulumi`. This file begins and ends its process: environment, signals,
 * exit status. What was typed is run by cli/run.ts; what can be typed is in cli/words/, what a verb does in cli/verbs/.
 */
import { loadDotEnv } from "../lib/base/dot-env.ts";
import { keepInside } from "../lib/base/no-proxy.ts";
import { PROJECT } from "../lib/base/program-file.ts";
import { environment } from "../tools/environment.mjs";
import { isWaitedFor } from "./output/waited-for.ts";
import { run } from "./run.ts";
import { projectAround } from "./sail/project.ts";
import "./shell.ts";

// A voyage's program reads the file of its own project; what is set first, counts.
const project = projectAround(process.cwd());
if (project) loadDotEnv(project);
loadDotEnv(PROJECT);
keepInside();
// Processes that a verb starts find set-up's tools, and the state, also from a shell that has loaded nothing.
Object.assign(process.env, environment());

const GRACE_MS = 3_000;
const interrupted = new AbortController();
let interruptedBy: "SIGINT" | "SIGTERM" | "SIGHUP" | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    // A second signal does not wait for what the first one ends.
    if (interruptedBy) process.exit(statusOf(signal));
    interruptedBy = signal;
    interrupted.abort();
    // A verb ends by itself, and puts things in order; one that waits for somebody else is not waited for.
    setTimeout(function end() {
      if (isWaitedFor()) setTimeout(end, GRACE_MS).unref();
      else process.exit(statusOf(signal));
    }, GRACE_MS).unref();
  });
const statusOf = (signal: "SIGINT" | "SIGTERM" | "SIGHUP") => 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];

process.exitCode = await run(process.argv.slice(2), {
  signal: interrupted.signal,
  interrupted: () => interruptedBy && statusOf(interruptedBy),
});
process.exit(interruptedBy ? statusOf(interruptedBy) : process.exitCode);
