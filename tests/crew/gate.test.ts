import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type GatePlaces, gateCommand, gatePlaces, hangGates, hookSettings } from "../../crew/gates/hook-settings.ts";
import { packCrew } from "../../lib/ship/crew-pack.ts";
import { tempFolder } from "../support/test-ship.ts";

// The gate is run as Claude Code runs a hook, from the files that a ship has, with a supervisor that does as it is
// told.
let folder: string;
let places: GatePlaces;
let server: Server | undefined;
const open = new Set<Socket>();

beforeEach(async () => {
  folder = tempFolder();
  places = gatePlaces(folder);
  for (const { path, content } of await packCrew()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
});
afterEach(() => {
  for (const socket of open) socket.destroy();
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function supervise(answer: (socket: Socket, asked: string) => void): Promise<void> {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    let asked = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => (asked += chunk));
    socket.on("end", () => answer(socket, asked));
  }).listen(places.socket);
  await once(server, "listening");
}

test("a gate that has been seen to refuse is tried no more while it is the same, and a changed one is tried again", () => {
  hangGates(places);
  vi.stubEnv("PATH", "/nowhere"); // nothing can be run
  try {
    hangGates(places);
  } finally {
    vi.unstubAllEnvs();
  }
  writeFileSync(places.program, "process.exit(0);\n");
  expect(() => hangGates(places)).toThrow("the gates of this ship do not hold");
  rmSync(places.program);
  expect(() => hangGates(places)).toThrow("the gates of this ship do not hold");
});

type Ran = { status: number | null; stdout: string; stderr: string };

async function ask(event: string, seconds?: number): Promise<Ran> {
  const child = spawn("sh", ["-c", gateCommand(places, seconds)], { stdio: "pipe" });
  const ran = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (ran.stdout += chunk));
  child.stderr.on("data", (chunk) => (ran.stderr += chunk));
  child.stdin.end(JSON.stringify({ hook_event_name: event, tool_name: "Bash", tool_input: { command: "true" } }));
  const [status] = await once(child, "close", { signal: AbortSignal.timeout(30_000) });
  return { status, ...ran };
}

/** Expects exit status 2, the one failure that Claude Code takes for a no; what was printed is told to the model. */
function expectRefused({ status, stdout, stderr }: Ran): void {
  expect({ status, stdout }, stderr).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain("The ship's gate has failed: not allowed.");
}

const EVENTS = ["PreToolUse", "TaskCompleted", "Stop"];

test("a gate that is never answered, or not to the end, refuses when its time is over", async () => {
  const asked: string[] = [];
  await supervise((socket, question) => {
    asked.push(question);
    if (asked.length % 2 === 0) socket.write('{"allow":true}');
  });
  const ran = await Promise.all([...EVENTS, ...EVENTS].map((event) => ask(event, 8)));
  ran.forEach(expectRefused);
  const events = asked.map((question) => (JSON.parse(question) as { input: { hook_event_name: string } }).input.hook_event_name);
  expect(events.sort()).toEqual([...EVENTS, ...EVENTS].sort());
});

describe.each(EVENTS)("the gate, asked as %s", (event) => {
  test("says what it is answered", async () => {
    const answers = ['{"allow":true}', '{"allow":false,"reason":"not yours"}'];
    await supervise((socket) => socket.end(answers.shift()!));
    expect(await ask(event)).toEqual({ status: 0, stdout: "", stderr: "" });
    const refused = await ask(event);
    expect(refused).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(refused.stdout)).toEqual(
      event === "PreToolUse"
        ? { hookSpecificOutput: { hookEventName: event, permissionDecision: "deny", permissionDecisionReason: "not yours" } }
        : { decision: "block", reason: "not yours" },
    );
  });

  test("refuses when the answer is none", async () => {
    const words = ["yes", "", "null", "[]", '"allow"', "<html>502</html>", '{"allow":true} {"allow":true}'];
    const left = [...words, "{}", '{"allow":"true"}', '{"allow":1}', '{"allow":false}', '{"allow":false,"reason":7}'];
    await supervise((socket) => socket.end(left.shift()!));
    while (left.length > 0) expectRefused(await ask(event));
  });

  test("refuses when the supervisor hangs up, before its answer or in the middle of it", async () => {
    const left = [(socket: Socket) => socket.destroy(), (socket: Socket) => socket.write('{"allow":tr', () => socket.destroy())];
    await supervise((socket) => left.shift()!(socket));
    expectRefused(await ask(event));
    expectRefused(await ask(event));
    expect(left).toEqual([]);
  });
});

test.each([false, true])(
  "a gate is ended before Claude Code stops waiting for it, which would be a yes (terminal: %s)",
  (terminal) => {
    const { hooks } = hookSettings(places, terminal) as {
      hooks: Record<string, { hooks: { command: string; timeout: number }[] }[]>;
    };
    const all = Object.values(hooks).flatMap((matchers) => matchers.flatMap((matcher) => matcher.hooks));
    expect(all).toHaveLength(terminal ? 4 : 3);
    for (const { command, timeout } of all) {
      const [, kill, seconds] = /^timeout -k (\d+) (\d+) /.exec(command)!.map(Number);
      expect(seconds! + kill!).toBeLessThan(timeout);
    }
  },
);
