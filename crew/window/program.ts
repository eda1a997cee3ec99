/**
 * The program in a ship's tmux session `claude`, called as `node program.js <socket>`: it starts what the supervisor
 * says, shows what it is told, and ends with the supervisor. A hand must not outlive its supervisor, which holds the
 * claim: when the socket closes, what was started is ended too.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { type FromWindow, jsonLines, type ToWindow } from "./wire.ts";

/** The time between SIGTERM and SIGKILL when the supervisor is gone. */
const GRACE_MS = 5000;

const socket = connect(process.argv[2]!);
const tell = (message: FromWindow) => void socket.write(`${JSON.stringify(message)}\n`);
/** The program that runs now: when it has ended, and how to signal it with all of its group. */
let running: { ended: Promise<unknown>; signal: (name: NodeJS.Signals) => void } | null = null;

// Keys that a person types in the session are for the program that has the terminal, and must not end this one.
for (const name of ["SIGINT", "SIGQUIT", "SIGTSTP"] as const) process.on(name, () => {});
process.stdout.on("error", () => {});

function start({ argv, cwd, env, terminal, input }: Extract<ToWindow, { type: "start" }>): void {
  const [program, ...args] = argv;
  const child = spawn(program!, args, {
    cwd,
    env: { ...env, ...(terminal && { TERM: process.env.TERM }) },
    // A program that has the terminal must stay in that terminal's session.
    detached: !terminal,
    stdio: terminal ? "inherit" : "pipe",
  });
  child.once("error", (error) => tell({ type: "failed", message: error.message }));
  child.once("close", () => tell({ type: "drained" }));
  if (child.pid === undefined) return;
  const { pid } = child;
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(terminal ? pid : -pid, name);
    } catch {}
  };
  const mine = { ended: once(child, "exit"), signal };
  running = mine;
  tell({ type: "started", pid });
  // A program that does not read its input to the end is judged by its exit alone.
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  child.stdout?.on("data", (chunk: Buffer) => tell({ type: "stdout", data: chunk.toString("base64") }));
  child.stderr?.on("data", (chunk: Buffer) => tell({ type: "stderr", data: chunk.toString("base64") }));
  child.once("exit", (code) => {
    if (running === mine) running = null;
    tell({ type: "exit", code });
  });
}

async function end(): Promise<never> {
  const killer = setTimeout(() => running?.signal("SIGKILL"), GRACE_MS);
  running?.signal("SIGTERM");
  await running?.ended;
  clearTimeout(killer);
  process.exit();
}

socket.setEncoding("utf8").on(
  "data",
  jsonLines<ToWindow>((message) => {
    if (message.type === "start") start(message);
    else process.stdout.write(message.text);
  }),
);
socket.on("error", () => {});
socket.on("close", end);
