import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { voyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage, ship } from "../support/helm-voyage.ts";
import { BIN, ocaptain } from "../support/ocaptain.ts";
import { ocaptainHere } from "../support/ocaptain-here.ts";
import { pulumiEnvironment } from "../support/pulumi-environment.ts";
import { makeStack } from "../support/pulumi-stack.ts";
import { standInPulumi } from "../support/stand-in-pulumi.ts";
import { openTerm } from "../support/term.ts";
import { expectWhole, typed } from "./whole.ts";

/**
 * The id of a voyage whose spend, budgets and questions are shown as the captain sees them. Helm and command are real;
 * a ship is only its calls.
 */
const ID = "abc123";
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
let register: Parameters<HelmClient["registerVoyage"]>[1];
const calls: Record<string, ReturnType<typeof ship>> = {};
beforeAll(async () => {
  captain = await makeCaptain();
  helm = await ensureHelm();
  const ids = ["1", "2", "3", "4", "5", "6"];
  const plan = makePlan(Object.fromEntries(ids.map((id) => [id, []])), { metadata: { "4": { claude: { budgetUsd: 2 } } } });
  const timing = { leaseSeconds: 600, heartbeatSeconds: 60, fenceSeconds: 400, lingerSeconds: 5 };
  ({ register } = await makeVoyage(makeSource(captain.root), "quay", plan, { hand: "claude", timing }));
  await helm.registerVoyage(ID, register);
  const createdAt = new Date().toISOString();
  await writeVoyageIdentity({ voyageId: ID, stack: "quay", captainId: "0123456789ab", nonce: "n", createdAt });
  for (const name of ["ship-0", "ship-1", "ship-2"]) {
    const { token } = await helm.registerShip(ID, name, name);
    calls[name] = ship(captain.url, token, name);
    await calls[name].hello();
    await calls[name].raw("trial", { fit: true, message: "" });
  }
});
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

const claims = (name: string) => calls[name]!.grant();
const asks = (name: string, { task, epoch }: Grant, question: string) =>
  calls[name]!.raw("ask", { task: task.id, epoch, question });
async function spends(name: string, { task, epoch }: Grant, costUsd: number, inputTokens = 1000): Promise<void> {
  const session = randomUUID();
  await calls[name]!.raw("session", { task: task.id, epoch, session });
  const usage = { costUsd, inputTokens, outputTokens: 0, cacheReadTokens: 0, cacheCreationTokens: 0, turns: 3, seconds: 4 };
  await calls[name]!.raw("usage", { task: task.id, epoch, session, run: randomUUID(), usage });
}
const json = async (...args: string[]) => JSON.parse((await ocaptainHere(...args, "--json")).stdout);
const rowOf = async (id: string) => (await helm.voyage(ID)).tasks.find((task) => task.id === id)!;

test("a question is shown first, in full, with the very command, which answers it", async () => {
  const grant = await claims("ship-0");
  await asks("ship-0", grant, "Which colour?\n\n- red\n- green");
  const { stdout } = await ocaptainHere("status");
  expect(stdout).toMatch(/^quay {2}needs-captain /);
  expect(stdout).toMatch(
    /needs you \(\d\)\n {2}✗ \S+ · task 1 \(Task 1\) asks, from ship-0:\n {6}Which colour\?\n {6}\n {6}- red\n {6}- green\n {4}hint: ocaptain answer ship-0 - --voyage quay .*\n/,
  );
  expect((await json("status")).attention).toEqual([
    expect.objectContaining({ kind: "question", of: "1", detail: "Which colour?\n\n- red\n- green" }),
  ]);
  const answered = await ocaptain("answer", "ship-0", "Green,", "as in the logo.", "--voyage", "quay");
  expect(answered).toMatchObject({
    exitCode: 0,
    stdout: "answered: task 1 is pending again; a ship takes it by itself",
    stderr: "",
  });
  expect((await claims("ship-1")).answers).toEqual([
    { question: "Which colour?\n\n- red\n- green", answer: "Green, as in the logo." },
  ]);
});

test("two questions of one ship: the answer says which, by task; from stdin with -", async () => {
  await asks("ship-0", await claims("ship-0"), "How long?");
  await asks("ship-0", await claims("ship-0"), "How wide?\nIn metres.");
  const which = await ocaptainHere("answer", "0", "12");
  expect(which.exitCode).toBe(2);
  expect(which.stderr).toMatch(
    /ship-0 has asked several things; say of which task:\n {2}#2 {2}How long\?\n {2}#3 {2}How wide\?\n/,
  );
  expect((await ocaptainHere("status")).stdout).toContain(
    "hint: ocaptain answer '#2' - --voyage quay  # type the answer, then Ctrl-D",
  );
  const piped = await execa(BIN, ["answer", "#3", "-", "--json"], { input: "4\nmetres\n", timeout: 30_000 });
  expect(JSON.parse(piped.stdout)).toMatchObject({ task: { id: "3", status: "pending" }, answer: "4\nmetres" });
  expect(await ocaptainHere("answer", "0", "12")).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^answered: task 2 is pending/),
  });
});

test("where nothing is asked, or nothing is said, it says so", async () => {
  const failing = async (...args: string[]) => {
    const { exitCode, stderr, stdout } = await ocaptainHere("answer", ...args);
    expect(stdout).toBe("");
    return `${exitCode} ${stderr.split("\n")[0]}`;
  };
  expect(await failing("ship-0", "Green")).toBe("1 ship-0 has no open question");
  expect(await failing("ship-9", "Green")).toBe('1 voyage "quay" has no ship "ship-9"');
  expect(await failing("#1", "Green")).toBe("1 task 1 asks nothing: it is claimed");
  expect(await failing("#99", "Green")).toBe('1 voyage "quay" has no task "99"');
  expect(await failing("ship-0", " ")).toBe("2 the answer is empty");
  expect(await failing("ship-0", "x".repeat(17_000))).toMatch(/^2 the answer has 17000 characters/);
  expect(await failing("ship-0")).toMatch(/^2 error: missing required argument 'words'/);
  expect((await ocaptain("answer", "ship-0", "-")).stderr, "an empty stdin").toContain("the answer is empty");
});

test("spend: the voyage's in the head, each ship's, each task's beside its budget", async () => {
  const grants = [await claims("ship-0"), await claims("ship-2")];
  expect(grants.map(({ task }) => task.id)).toEqual(["2", "3"]);
  await spends("ship-0", grants[0]!, 1.5, 2_345_678);
  await spends("ship-2", grants[1]!, 0.25);
  await calls["ship-2"]!.release(grants[1]!, false);
  const four = await calls["ship-0"]!.release(grants[0]!, true).then(() => claims("ship-0"));
  expect(four.task.id).toBe("2");
  const { stdout } = await ocaptainHere("status");
  expect(stdout).toMatch(/\n {2}spent \$1\.75 · 2\.3M tokens · 6 turns\n/);
  expect(stdout).toMatch(/\nSHIP +STATE .* SPEND +FOR +TASK\n/);
  expect(stdout).toMatch(/\nship-0 .* \$1\.50 2\.3M .*#2/);
  expect(stdout).toMatch(/\nship-2 .* \$0\.25 1k/);
  const view = await json("status");
  expect(view).toMatchObject({ spend: { costUsd: 1.75, inputTokens: 2_346_678, turns: 6, seconds: 8, budgetUsd: null } });
  expect(view.ships[0]).toMatchObject({ usage: { costUsd: 1.5, inputTokens: 2_345_678 } });
  expect((await ocaptainHere("tasks")).stdout).toMatch(/\n2 .* \$1\.50 2\.3M +.*Task 2/);
});

test("budget: the captain's word holds at once, is told as such, and is taken back", async () => {
  const said = await ocaptainHere("budget", "80");
  expect(said).toMatchObject({
    exitCode: 0,
    stdout: "quay may spend up to $80.00 (by your word; configured: none); $1.75 is spent, and it is sailing",
  });
  expect(said.stderr).toMatch(/to keep it in the configuration: pulumi .*config set ocaptain:budgetUsd 80 -s quay/);
  expect((await ocaptainHere("status")).stdout).toContain("spent $1.75 of $80.00 (by your word; configured: none)");
  expect(await json("budget", "configured")).toMatchObject({ voyage: "quay", state: "sailing", spend: { budgetUsd: null } });
  for (const wrong of ["0", "-3", "much", "1e9"]) expect((await ocaptainHere("budget", "--", wrong)).exitCode).toBe(2);
});

test("a task whose budget is spent is blocked: the way on is the plan, and retry says so", async () => {
  await calls["ship-2"]!.release(await claims("ship-2"), false); // So task 3 is asked for again.
  const three = await claims("ship-2");
  await asks("ship-2", three, "hold");
  const four = await claims("ship-2");
  expect([four.task.id, four.hand?.budgetUsd]).toEqual(["4", 2]);
  await spends("ship-2", four, 2.25);
  await calls["ship-2"]!.release(four, false, "stopped");
  expect((await ocaptainHere("tasks")).stdout).toMatch(/\n4 +blocked .* \$2\.25\/\$2\.00 1k +.*\(its budget of \$2\.00 is spent/);
  expect((await json("status")).attention).toContainEqual(
    expect.objectContaining({
      ...{ kind: "task", of: "4", action: { verb: "up", task: "4" } },
      message: expect.stringContaining("its budget of $2.00 is spent: $2.25 in 1 runs"),
      hint: "pulumi up -s quay  # after a higher claude.budgetUsd in the plan's tasks/4.json",
    }),
  );
  const retried = await ocaptainHere("retry", "4");
  expect(retried.exitCode).toBe(1);
  expect(retried.stderr).toMatch(/task 4: its budget of \$2\.00 is spent.*\n {2}hint: raise claude\.budgetUsd/);
});

test("the voyage's budget spent: state, and first of what needs the captain, with the command that goes on", async () => {
  await helm.registerVoyage(ID, { ...register, budgetUsd: 3.5 });
  const { stdout } = await ocaptainHere("status");
  expect(stdout).toMatch(/^quay {2}budget /);
  expect(stdout).toMatch(/\n {2}spent \$4\.00 of \$3\.50 · /);
  expect(stdout).toMatch(
    /needs you \(\d\)\n {2}✗ \S+ · the voyage's budget of \$3\.50 is spent \(\$4\.00\): no task is given out\n {4}hint: ocaptain budget 6 quay {2}# at once; ocaptain:budgetUsd keeps it\n {2}✗ \S+ · task 3 /,
  );
  expect((await json("status")).state).toBe("budget");
  await helm.registerVoyage(ID, { ...register, budgetUsd: 6 });
  expect((await json("status")).state).toBe("needs-captain");
  expect((await rowOf("5")).status).toBe("pending");
});

test("scale: its question is whole at 80 and at 120 columns; a no changes nothing, and an up that has changed nothing is taken back", async () => {
  const project = join(captain.root, "p");
  const settings = join(project, "Pulumi.quay.yaml");
  await mkdir(project);
  await writeFile(join(project, "Pulumi.yaml"), "{name: ocaptain, runtime: nodejs}");
  const identity = JSON.parse(await readFile(voyageFolder("quay").voyageFile, "utf8"));
  await writeVoyageIdentity({ ...identity, sailedFrom: { project, settings } });
  const pulumi = await standInPulumi(captain.root);
  const env = { ...pulumiEnvironment(captain.root), ...pulumi.env };
  await makeStack(captain.root, "quay");
  await writeFile(settings, "config:\n  ocaptain:plan: ./plan\n");

  const term = await openTerm();
  try {
    const question = "Scale quay from 3 ships to 1? [y/N]";
    const stops = "ship-1 goes: task 1 (Task 1) is at work; that is stopped, and begun anew on another ship";
    for (const columns of [80, 120]) {
      await typed(term, columns, "scale 1", /\[y\/N\]/);
      await expectWhole(term, `${stops}\nship-2 goes: idle\n${question}`);
      await term.enter("n");
      await term.sees(/nothing was changed/);
    }
  } finally {
    await term.close();
  }
  expect(await pulumi.runs()).toEqual([]);

  const scale = (STAND_IN_STATUS: string) =>
    execa(BIN, ["scale", "1", "--yes", "--json"], { env: { ...env, STAND_IN_STATUS }, reject: false, timeout: 30_000 });
  expect(await scale("255")).toMatchObject({ exitCode: 1, stdout: "" });
  expect(await readFile(settings, "utf8")).toBe("config:\n  ocaptain:plan: ./plan\n");
  expect(JSON.parse((await scale("0")).stdout)).toEqual({
    voyage: "quay",
    ships: ["ship-0"],
    came: [],
    went: ["ship-1", "ship-2"],
    changes: {},
  });
  expect(await readFile(settings, "utf8")).toContain("ocaptain:ships: ");
  expect(await pulumi.runs()).toEqual(["up quay", "up quay"]);
  await writeVoyageIdentity(identity);
  // No ship is off duty any longer.
  const grant = await claims("ship-2");
  await calls["ship-2"]!.release(grant, false, "stopped");
});

test("a limit: what holds the voyage up, in Claude Code's own words, how long yet, and when it is over; a ship whose hand cannot work", async () => {
  const until = new Date(Math.floor(Date.now() / 1000) * 1000 + 125_000).toISOString();
  await calls["ship-2"]!.raw("limited", { until, message: "You've hit your session limit" });
  const { stdout } = await ocaptainHere("status");
  expect(stdout).toMatch(
    /\n {2}no task is given out for (2m0\ds|1m\d\ds), until [\dT:-]{19}Z: You've hit your session limit \(told by ship-2; to try at once: ocaptain retry limit quay\)\n/,
  );
  expect(stdout).toContain(until.slice(0, 19));
  expect((await json("status")).limited).toEqual({ until, message: "You've hit your session limit", by: ["ship-2"] });
  await calls["ship-2"]!.raw("trial", { fit: false, message: "its gates do not hold" });
  expect((await json("status")).attention).toContainEqual(
    expect.objectContaining({
      ...{ kind: "ship", of: "ship-2", action: { verb: "up", ship: "ship-2" } },
      message: "ship-2 is given no task: its gates do not hold",
      hint: "pulumi up -s quay  # it is tried anew",
    }),
  );
  expect(await json("retry", "limit")).toEqual({ voyage: "quay", lifted: ["ship-2"] });
  expect((await json("status")).limited).toBeNull();
  const none = await ocaptainHere("retry", "limit");
  expect(none.exitCode).toBe(1);
  expect(none.stderr).toBe('no usage limit holds voyage "quay"\n  hint: ocaptain status quay');
});

test("without the helm the task files say what tasks have used, and that this is all they say", async () => {
  process.kill((await helm.health()).pid, "SIGKILL");
  const { stdout } = await ocaptainHere("status");
  expect(stdout).toMatch(/\n {2}spent \$4\.00 · 2\.3M tokens · 9 turns · by the task files: of tasks alone\n/);
  expect((await json("status")).spend).toMatchObject({ costUsd: 4, budgetUsd: null, byShip: null });
  expect((await ocaptainHere("tasks")).stdout).toMatch(/\n4 +blocked .* \$2\.25 1k/);
  const answered = await ocaptainHere("answer", "ship-2", "go on");
  expect(answered).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("the helm does not answer") });
});
