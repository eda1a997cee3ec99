/**
 * `node tools/run.mjs <script.ts> args…` sets up what is missing, then runs the script on Node 24 in the project's
 * environment. Only the script writes to standard output; its exit code and signals are passed through.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";
import { environment, nodePath } from "./environment.mjs";
import { root } from "./places.mjs";
import { setup } from "./setup.mjs";

await setup({ quiet: true }).catch((error) => {
  process.stderr.write(`set-up: ${error.message}\n`);
  process.exit(1);
});

const child = spawn(nodePath(), process.argv.slice(2), {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, ...environment() },
});
child.once("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to the script too, and a second SIGINT would tell it to stop at once.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.once("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
