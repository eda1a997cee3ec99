import { expect, test } from "vitest";
import { isAlive } from "../../lib/base/alive.ts";
import { runProgram } from "../../lib/base/run-program.ts";
import { until } from "../support/until.ts";

const sh = (script: string, options: Partial<Parameters<typeof runProgram>[2]> = {}) =>
  runProgram("sh", ["-c", script], { timeoutMs: 20_000, ...options });

test("a program's outputs and status; its input, its folder and its environment are what it was given", async () => {
  expect(await sh("echo out; echo err >&2; exit 3")).toEqual({
    ...{ ok: false, exitCode: 3, stdout: "out\n", stderr: "err\n", timedOut: false, tooLong: false, missing: false },
    why: "sh: exit status 3",
  });
  const given = await sh('cat; pwd; echo "$X|$HOME"', { input: "é\n", cwd: "/", env: { X: "x", PATH: process.env.PATH } });
  expect(given).toMatchObject({ ok: true, stdout: "é\n/\nx|\n", why: "" });
  // Without an input there is none, and nothing waits for it.
  expect((await sh("cat")).stdout).toBe("");
});

test("input that is not read is no failure; nor is output in pieces, whose letters come whole", async () => {
  expect((await sh("exec true", { input: "x".repeat(1_000_000) })).ok).toBe(true);
  const heard: string[] = [];
  const run = await sh("printf '\\303'; sleep 0.1; printf '\\251'", { onStdout: (text) => heard.push(text) });
  expect([run.stdout, heard.join("")]).toEqual(["", "é"]);
});

test("what cannot be started is a result that says why", async () => {
  expect(await runProgram("no-such-program", [], { timeoutMs: 1_000 })).toMatchObject({
    ...{ ok: false, exitCode: null, missing: true },
    why: "no-such-program: there is no such program",
  });
  expect(await runProgram("/", [], { timeoutMs: 1_000 })).toMatchObject({
    ok: false,
    missing: false,
    why: expect.stringMatching(/^\/: .*EACCES/),
  });
  expect(await runProgram("true", ["a\0b"], { timeoutMs: 1_000 })).toMatchObject({
    ok: false,
    missing: false,
    why: expect.stringMatching(/^true: .*null bytes/),
  });
});

test("too much output ends a program; so does its time, with all that it has started in its group, and an abort", async () => {
  const long = await sh("yes; true", { mostBytes: 1000 });
  expect(long).toMatchObject({ ok: false, tooLong: true, why: "sh: it printed too much" });
  expect(long.stdout.length).toBeLessThanOrEqual(1000);

  // What it has started outlives it without a group, and is not waited for.
  const alone = await sh("sleep 600 & echo $!; trap '' TERM; wait; wait", { timeoutMs: 100 });
  expect(alone).toMatchObject({ ok: false, exitCode: null, timedOut: true });
  process.kill(Number(alone.stdout));

  const late = await sh("sleep 600 & echo $!; sleep 600", { timeoutMs: 100, ownGroup: true });
  expect(late).toMatchObject({ ok: false, exitCode: null, timedOut: true, why: "sh: it took longer than 0.1 s" });
  await until("the end of what it has started", () => !isAlive(Number(late.stdout)));

  const abort = new AbortController();
  const run = sh("echo ready; exec sleep 600", { signal: abort.signal, onStdout: () => abort.abort() });
  expect(await run).toMatchObject({ ok: false, exitCode: null, timedOut: false, why: "sh: ended by SIGTERM" });
});
