/** Runs other programs for set-up, with a time limit; their output is kept for the case that they fail. */
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, join, sep } from "node:path";
import process from "node:process";
import { toolsFolder } from "../places.mjs";

/**
 * The numbers of lines to show of what a failed command said, from its beginning and from its end: some programs give
 * the reason first, some last.
 */
const FIRST_LINES = 8;
const LAST_LINES = 12;

/**
 * Runs a command to its end and resolves to its standard output, trimmed. Rejects, with the first and last lines that
 * it wrote, when it fails or takes longer than `timeoutMs`. `onLine` is called with every line of both outputs.
 */
export function runCommand(command, args, { cwd, env, timeoutMs = 60_000, onLine = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const endWithUs = () => child.kill();
    process.once("exit", endWithUs);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    const stdout = [];
    const first = [];
    const last = [];
    const hear = (stream, keep) => {
      let rest = "";
      stream.setEncoding("utf8").on("data", (text) => {
        if (keep) stdout.push(text);
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines.filter(Boolean)) {
          onLine(line);
          if (first.length < FIRST_LINES) first.push(line);
          else last.push(line);
          if (last.length > LAST_LINES) last.shift();
        }
      });
    };
    hear(child.stdout, true);
    hear(child.stderr, false);
    const done = (settle) => {
      clearTimeout(timer);
      process.off("exit", endWithUs);
      settle();
    };
    child.once("error", (error) => done(() => reject(error)));
    child.once("close", (code, signal) =>
      done(() => {
        if (code === 0) return resolve(stdout.join("").trim());
        const how = timedOut
          ? `took longer than ${timeoutMs / 1000} s`
          : signal
            ? `was ended by ${signal}`
            : `failed with exit code ${code}`;
        reject(new Error([`${command} ${args[0] ?? ""} ${how}`, ...first, ...last].join("\n    ")));
      }),
    );
  });
}

/**
 * Finds a program of the system's on PATH and returns its path, or undefined: what set-up made is skipped, and the
 * commands in `bin/` of a checkout or a package.
 */
export const findOnPath = (name) => allOnPath(name)[0];

/** All programs of that name on PATH, in its order. */
export function allOnPath(name) {
  const found = [];
  const ours = `${toolsFolder()}${sep}`;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (!folder || folder.startsWith(ours) || folder.split(sep).includes(".tools")) continue;
    if (existsSync(join(folder, "find-node.sh"))) continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) found.push(path);
    } catch {
      // The program is not in this folder.
    }
  }
  return found;
}

/**
 * A text that changes when the file does, so that a part which uses a program of the system looks at it again.
 * Undefined when the file is gone.
 */
export function identity(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${path}:${stat.size}:${Math.trunc(stat.mtimeMs)}`;
}

/** Whether the dotted version `actual` is at least `wanted`, as "2.39.5" is at least "2.38". A leading v is ignored. */
export function atLeast(actual, wanted) {
  const numbers = (version) =>
    version
      .replace(/^v/, "")
      .split(".")
      .map((part) => Number.parseInt(part, 10) || 0);
  const [have, want] = [numbers(actual), numbers(wanted)];
  for (let i = 0; i < want.length; i++) {
    if ((have[i] ?? 0) !== want[i]) return (have[i] ?? 0) > want[i];
  }
  return true;
}
