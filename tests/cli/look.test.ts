import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nudgeHand } from "../../cli/ship/nudge-hand.ts";
import { findVoyage } from "../../cli/target/choose-voyage.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { ocaptain, ongoing } from "../support/ocaptain.ts";
import { ocaptainHere } from "../support/ocaptain-here.ts";
import { openTerm } from "../support/term.ts";
import { until } from "../support/until.ts";
import { type Fleet, openFleet } from "./fleet.ts";
import { expectWhole, typed } from "./whole.ts";

/**
 * The voyage's tasks, for two ships: task 1 works until the test lets it go on, 2 fails, and 3 waits for 2, so that the
 * other ship has nothing left to do.
 */
const tasks = [
  { id: "1", run: 'echo "laying the keel"; until [ -e "$HOME/go" ]; do sleep 0.1; done; mkdir -p out; echo 1 > out/1' },
  { id: "2", run: 'echo "no timber"; exit 3', metadata: { tries: 1 } },
  { id: "3", after: ["2"] },
];

let fleet: Fleet;
/** The ship that has task 1. */
let busy: string;
beforeAll(async () => {
  fleet = await openFleet({ ships: 2, tasks });
  await fleet.until("one at work, one asleep", (s) =>
    ["working", "ended"].every((state) => s.ships.some((ship) => ship.state === state)),
  );
  busy = (await fleet.status()).ships.find((ship) => ship.task === "1")!.ship;
  await fleet.logged("laying the keel");
  await fleet.logged("no timber");
});
afterAll(() => fleet.close());

/** A time of seconds or minutes, as the looks show it. */
const SPAN = "(?:\\d+m)?\\d+s";
const json = async (...args: string[]) => JSON.parse((await ocaptainHere(...args, "--json")).stdout);
const idle = () => (busy === "ship-0" ? "ship-1" : "ship-0");

test("status: the voyage, what needs the captain first, a row a ship with how that is known", async () => {
  const { stdout, stderr, exitCode } = await ocaptain("status");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(
    /^quay {2}sailing {2}0\/3 accepted · 1 claimed · 1 pending · 1 blocked\n {2}branch quay at [0-9a-f]{8} · from the helm\n {2}workspace \//,
  );
  expect(stdout.indexOf("needs you (")).toBeLessThan(stdout.indexOf("SHIP"));
  expect(stdout).toMatch(
    /✗ \S+ · task 2 \(Task 2\) is blocked after 1 try: exit status 3: no timber\n {4}hint: ocaptain logs quay --task 2 {2}# then mend the plan's tasks\/2.json, and: pulumi up -s quay/,
  );
  expect(stdout).toMatch(new RegExp(`\n${busy} +working +${SPAN} +connected +\\S.* +${SPAN} +#1 Task 1`));
  expect(stdout).toMatch(new RegExp(`\n${idle()} +asleep +${SPAN} +said goodbye: nothing to do`));
});

test("ls: a row a voyage; one whose file is broken is said, and hides no other", async () => {
  const broken = join(process.env.OCAPTAIN_VOYAGES!, "wreck");
  await mkdir(broken);
  await writeFile(join(broken, "voyage.json"), "{");
  try {
    const { stdout, stderr, exitCode } = await ocaptainHere("ls");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^VOYAGE +STATE +ACCEPTED +SHIPS +SPEND +NEEDS YOU +AGE\nquay +sailing +0\/3 +2 +nothing +1 +(\d+m)?\d+s$/,
    );
    expect(stderr).toContain(`${join(broken, "voyage.json")} is broken`);
    const { voyages } = await json("ls");
    expect(voyages).toEqual([expect.objectContaining({ stack: "quay", state: "sailing", needsYou: 1, sunkAt: null, ships: 2 })]);
  } finally {
    await rm(broken, { recursive: true });
  }
});

test("at 80 and at 120 columns no line of status, ls and tasks is broken, and no word is cut", async () => {
  const whole = async (verb: string) => (await ocaptainHere(verb)).stdout;
  const [status, list, tasks] = [await whole("status"), await whole("ls"), await whole("tasks")];
  const term = await openTerm();
  try {
    for (const columns of [80, 120]) {
      await typed(term, columns, "status", /SHIP[\s\S]*ship-0.*\s+ship-1.*\s+\$/);
      await expectWhole(term, status);
      await typed(term, columns, "ls", /VOYAGE[\s\S]*quay.*\s+\$/);
      await expectWhole(term, list);
      await typed(term, columns, "tasks", /TASK[\s\S]*\n3 .*\s+\$/);
      await expectWhole(term, tasks);
    }
  } finally {
    await term.close();
  }
});

test("wait: 0 when the voyage has got there, 124 when the time is over, 2 for a word that it does not know", async () => {
  expect((await ocaptainHere("wait", "quay", "--for", "needs-captain")).exitCode).toBe(0);
  const late = await ocaptain("wait", "--for", "idle", "--timeout", "1s", "--json");
  expect(late.exitCode).toBe(124);
  expect(JSON.parse(late.stdout)).toMatchObject({ voyage: "quay", for: "idle", outcome: "timeout", state: "sailing" });
  const slip = await ocaptainHere("wait", "--for", "supper");
  expect({ exitCode: slip.exitCode, stderr: slip.stderr }).toEqual({
    exitCode: 2,
    stderr: expect.stringContaining("--for supper: a voyage can be waited for until it is verified, idle, needs-captain"),
  });
});

test("status --json: the same for programs, syncs included", async () => {
  await expect
    .poll(async () => (await json("status")).ships.map((ship: { sync: { state: string } }) => ship.sync.state), {
      timeout: 20_000,
      interval: 500,
    })
    .toEqual(["ok", "ok"]);
  const view = await json("status");
  expect(view).toMatchObject({ stack: "quay", state: "sailing", from: "helm", tasks: { total: 3, claimed: 1, blocked: 1 } });
  expect(view.attention).toEqual([expect.objectContaining({ kind: "task", of: "2" })]);
  const working = view.ships.find((ship: { ship: string }) => ship.ship === busy);
  expect(working).toMatchObject({ state: "working", knownBy: "connected", task: { id: "1" } });
  expect(working.since).toBe(working.task.since);
  expect(Date.parse(working.since)).toBeLessThanOrEqual(Date.parse(view.asOf));
});

test("status wakes nobody: a ship that sleeps sleeps on", async () => {
  await fleet.sendToSleep(idle());
  await ocaptainHere("status");
  await ocaptainHere("tasks");
  await ocaptainHere("doctor");
  expect((await fleet.sprites.get(fleet.spriteName(idle())))?.status).toBe("warm");
});

test("a conflict of a mirror is shown with the command that settles it", async () => {
  // Both sides change the file while no sync runs, or else the first change could be carried before the second.
  await fleet.mutagen.stopDaemon();
  await fleet.onShip(busy, 'echo theirs > "$HOME/voyage/workspace/README.md"');
  await writeFile(join(fleet.folder.mirror(busy), "README.md"), "the captain's\n");
  await fleet.mutagen.ensureDaemon();
  await expect
    .poll(async () => (await ocaptainHere("status")).stdout, { interval: 500 })
    .toMatch(new RegExp(`✗ the workspace sync of ${busy} has conflicts.*README\\.md\n.*pulumi up -s quay`));
  expect((await ocaptainHere("doctor")).exitCode).toBe(1);
});

test("status --watch repeats itself when something changes, watch --json tells each change and event, and both end on Ctrl-C with 130", async () => {
  const [watching, stream] = [ongoing("status", "--watch", "--json"), ongoing("watch", "--json")];
  const told = () => stream.lines().map((line) => JSON.parse(line));
  await until("a first look", () => watching.lines().length > 0 && told().length > 0);
  await helmClient().registerShip(fleet.voyageId, "ship-9", "a-life");
  await until("another look", () => watching.lines().some((line) => line.includes('"ship-9"')));
  await until("its state", () => told().some(({ ship }) => ship?.ship === "ship-9"));
  await helmClient().forgetShip(fleet.voyageId, "ship-9");
  await until("its end", () => told().some(({ type }) => type === "ship-gone"));
  expect(told()[0]).toMatchObject({ type: "view", voyage: "quay", view: { stack: "quay", taskRows: [{ id: "1" }, {}, {}] } });
  const about = told()
    .slice(1)
    .filter(({ event, ship }) => (event?.ship ?? ship?.ship ?? ship) === "ship-9");
  expect(about).toMatchObject([
    { type: "event", event: { kind: "ship-registered", data: { incarnation: "a-life" } } },
    { type: "ship", ship: { ship: "ship-9", state: "unknown", knownBy: "registered, never heard of" } },
    { type: "event", event: { kind: "ship-fenced" } },
    { type: "event", event: { kind: "ship-forgotten" } },
    { type: "ship-gone", ship: "ship-9" },
  ]);
  expect(await stream.interrupt()).toBe(130);
  expect(await watching.interrupt()).toBe(130);
  const views = watching.lines();
  expect(new Set(views).size).toBe(views.length);
});

test("tasks: a row a task, with what it waits for and why it is blocked; -s picks", async () => {
  await fleet.until("blocked again", (s) => s.tasks[1]?.status === "blocked");
  const { stdout } = await ocaptainHere("tasks");
  expect(stdout.split("\n")[0]).toMatch(/^TASK +STATUS +SHIP +FOR +WAITS FOR +TRIES +SUBJECT$/);
  expect(stdout).toMatch(new RegExp(`\n1 +claimed +${busy} +\\d+\\w+ .*Task 1`));
  expect(stdout).toMatch(/\n2 +blocked .* 1 +Task 2 {2}\(exit status 3: no timber\)/);
  expect(stdout).toMatch(/\n3 +pending +2 +Task 3/);
  const blocked = await json("tasks", "-s", "blocked");
  expect(blocked).toMatchObject({ from: "helm", tasks: [{ id: "2", tries: 1, waitsFor: [] }] });
  expect((await json("tasks", "-s", "in_progress")).tasks).toMatchObject([{ id: "1", ship: busy }]);
});

test("logs: all ships', by time; by ship, task, words and number", async () => {
  const { stdout } = await ocaptainHere("logs");
  const lines = stdout.split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d ${busy} #1 \\| laying the keel$`)),
    ]),
  );
  const times = lines.map((line) => line.slice(0, 19));
  expect(times).toEqual([...times].sort());
  for (const ship of ["ship-0", "ship-1"]) expect(stdout).toMatch(new RegExp(`${ship} \\* ${ship} of small`));
  expect((await ocaptainHere("logs", "-s", busy)).stdout).not.toContain(` ${idle()} `);
  expect((await ocaptainHere("logs", "-s", busy.slice(-1), "--task", "1", "-g", "keel")).stdout).toMatch(
    /^.{19} ship-. #1 \| laying the keel$/,
  );
  expect((await ocaptainHere("logs", "-n", "2")).stdout.split("\n")).toEqual(lines.slice(-2));
  const told = (await ocaptainHere("logs", "--task", "2", "--json")).stdout.split("\n").map((line) => JSON.parse(line));
  expect(told).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ event: "claimed", task: "2" }),
      expect.objectContaining({ text: "no timber", source: "task-2-1", atIs: "claim" }),
    ]),
  );
  const stranger = await ocaptainHere("logs", "-s", "ship-9");
  expect(stranger).toMatchObject({ exitCode: 1, stdout: "" });
  expect(stranger.stderr).toContain("ship-0, ship-1");
});

test("retry makes a blocked task pending; any other is refused", async () => {
  const { exitCode, stdout } = await ocaptainHere("retry", "#2");
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^task 2 is pending again/) });
  await fleet.until("tried again", (s) => s.tasks[1]?.status === "blocked" && s.tasks[1].epoch >= 2);
  const refused = await ocaptainHere("retry", "1", "quay", "--json");
  expect(refused.exitCode).toBe(1);
  expect(JSON.parse(refused.stderr)).toMatchObject({
    error: "TASK_STATUS",
    message: expect.stringContaining("task 1 is claimed"),
  });
  expect((await ocaptainHere("release", "3")).stderr).toMatch(/task 3 is pending; only a claimed one can be released/);
  expect((await ocaptainHere("release", "99")).stderr).toMatch(/has no task "99"/);
});

test("nudge: words for a session are left whole on its ship; a rehearsal, which hears nothing, refuses them", async () => {
  const voyage = await findVoyage("quay");
  const words = "Mind the $(keel);\n'and' the \"mast\"";
  await nudgeHand(voyage, busy, { task: "1", epoch: 1 }, words);
  expect((await fleet.onShip(busy, 'cd "$HOME/voyage/crew/nudges" && ls && cat * && rm *')).stdout).toMatch(
    /^1-1\.\d+\nMind the \$\(keel\);\n'and' the "mast"$/,
  );
  const refused = await ocaptainHere("nudge", busy, "hurry", "up", "--json");
  expect(refused.exitCode).toBe(1);
  expect(JSON.parse(refused.stderr)).toMatchObject({ error: "NO_SESSION", message: expect.stringContaining("rehearse") });
  expect((await ocaptainHere("nudge", "ship-9", "hello")).stderr).toContain('has no ship "ship-9"');
  expect((await ocaptainHere("nudge", busy, " ")).exitCode).toBe(2);
});

test("pause: the task at work is given back and costs no try, the ships sleep; resume wakes one for it", async () => {
  const before = (await fleet.status()).tasks[0]!;
  expect((await ocaptainHere("pause")).exitCode).toBe(0);
  expect((await ocaptainHere("wait", "--for", "idle", "--timeout", "1s")).exitCode).toBe(124);
  const waiting = ocaptain("wait", "--for", "idle", "--timeout", "1m");
  const { stdout, exitCode } = await ocaptainHere("pause", "--within", "0s");
  expect({ stdout, exitCode }).toEqual({
    exitCode: 0,
    stdout: expect.stringMatching(
      /^quay is paused: nothing is given out\n1 task at work \(1\): given back after 0s.*\n.*to go on: .*ocaptain resume quay/,
    ),
  });
  await fleet.until("all asleep", (s) => s.ships.every((ship) => ship.state === "ended"));
  expect((await fleet.status()).tasks[0]).toMatchObject({ status: "pending", tries: before.tries, epoch: before.epoch });
  const status = await ocaptainHere("status");
  expect(status.stdout).toMatch(/^quay {2}paused .*\n(.*\n)*.*nothing is given out.*ocaptain resume quay/);
  expect(status.stdout).toMatch(/asleep .* said goodbye: paused/);
  expect((await ocaptainHere("ls")).stdout).toMatch(/\nquay +paused /);
  expect((await waiting).exitCode).toBe(0);
  expect((await ocaptainHere("wait")).exitCode).toBe(1);
  expect(await json("resume")).toEqual({ voyage: "quay", state: "sailing", paused: null, atWork: [] });
  await fleet.until("at work again", (s) => s.tasks[0]?.status === "claimed");
  busy = (await fleet.status()).tasks[0]!.ship!;
  expect((await ocaptainHere("resume")).stdout).toMatch(/^quay was not paused/);
});

test("logs -f shows what comes home from now on, and ends on Ctrl-C with 130", async () => {
  const following = ongoing("logs", "-f", "-n", "1", "--task", "1");
  await until("the last line so far", () => following.lines().length > 0);
  await fleet.onShip(busy, 'touch "$HOME/go"');
  await until("the task's end", () => following.lines().some((line) => line.includes("accepted")));
  const seen = following.lines();
  expect(await following.interrupt()).toBe(130);
  expect(seen.join("\n")).toMatch(new RegExp(`${busy} \\* task 1 {2}accepted`));
});

test("clone: the voyage's branch with its history, that pulls what comes later", async () => {
  const dest = join(fleet.folder.root, "..", "review");
  const { stdout, stderr, exitCode } = await ocaptainHere("clone", "-d", dest);
  expect({ stdout, exitCode }).toEqual({ stdout: dest, exitCode: 0 });
  expect(stderr).toContain("cloning branch quay");
  expect(await readFile(join(dest, "out/1"), "utf8")).toBe("1\n");
  const git = async (...args: string[]) => (await execa("git", args, { cwd: dest })).stdout;
  expect(await git("log", "--format=%s")).toBe("Task 1\nStart");
  expect(await git("status", "-sb")).toBe("## quay...origin/quay");
  await git("pull", "-q");
  const again = await ocaptainHere("clone", "quay", "-d", dest, "--json");
  expect(again.exitCode).toBe(1);
  expect(JSON.parse(again.stderr)).toMatchObject({ error: "CLONE", message: expect.stringContaining("already exists") });
});

test("task add wakes a ship that sleeps, and the task is worked off beside the plan; what does not fit adds nothing; cancel takes one back", async () => {
  await fleet.until("all asleep", (s) => s.ships.every((ship) => ship.state === "ended"));
  const [subject, command] = ["Caulk the seams", "mkdir -p out; echo oakum > out/caulked"];
  const { stdout, stderr, exitCode } = await ocaptainHere("task", "add", subject, "--after", "#1", "--rehearsal", command);
  expect({ stdout, exitCode }).toEqual({ stdout: `task 900001 is added: ${subject}`, exitCode: 0 });
  expect(stderr).toBe("a ship is woken for it");
  await fleet.until("it is done", (s) => s.tasks.some(({ id, status }) => id === "900001" && status === "accepted"));
  expect(await json("tasks", "-s", "accepted")).toMatchObject({
    tasks: [{ id: "1" }, { id: "900001", subject, addedAt: expect.stringMatching(/Z$/) }],
  });

  const later = JSON.parse((await ocaptainHere("task", "add", "Tar them", "--after", "2", "--json")).stdout);
  expect(later).toMatchObject({ voyage: "quay", isNew: true, task: { id: "900002", status: "pending", blockedBy: ["2"] } });
  expect(await ocaptainHere("task", "cancel", "#900002")).toMatchObject({ stdout: "task 900002 is cancelled: Tar them" });
  for (const [typed, said, status] of [
    [["add", "x", "--after", "77"], /^no task was added: the voyage has no task 77\n {2}hint: ocaptain tasks quay$/, 1],
    [["add", "x", "--check", "if"], /^no task was added: --check: bash cannot read it: /, 2],
    [["add", "x", "--touches", "/etc"], /^no task was added: touches\[0\] /, 2],
    [["add", "x", "--after", "one"], /^no task was added: after\[0\] must be 1 to 9 digits/, 2],
    [["cancel", "1"], /^task 1 is one of the plan's\n {2}hint: take tasks\/1.json out of the plan's folder/, 1],
  ] as const) {
    const refused = await ocaptainHere("task", ...typed);
    expect(refused).toMatchObject({ exitCode: status, stdout: "" });
    expect(refused.stderr).toMatch(said);
  }
});

test("release takes a task from the ship that holds it, which is fenced, and says what next", async () => {
  await helmClient().retryTask(fleet.voyageId, "2");
  await fleet.until("settled", (s) => s.tasks[1]?.status === "blocked");
  // Task 4 cannot end either, because the ship no longer has the file `go`.
  await fleet.onShip(busy, 'rm "$HOME/go"');
  const plan = await fleet.planOf([...tasks, { ...tasks[0]!, id: "4" }]);
  await fleet.helm.update(await fleet.helm.create(), await fleet.keep(plan));
  await fleet.until("at work on 4", (s) => s.tasks[3]?.status === "claimed");
  const { stdout } = await ocaptainHere("release", "4", "--reason", "it runs in circles", "--json");
  expect(JSON.parse(stdout).task).toMatchObject({
    id: "4",
    // The other ship may have been woken for it already.
    status: expect.stringMatching(/^(pending|claimed)$/),
    reason: expect.stringContaining("it runs in circles"),
  });
  const { ships, attention } = await json("status");
  const fenced = ships.find((ship: { state: string }) => ship.state === "fenced").ship;
  expect(attention).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: "ship", of: fenced, hint: expect.stringContaining("pulumi up -s quay") }),
    ]),
  );
});

test("the helm killed: the same looks from the files, saying so, and doctor with the way out", async () => {
  await fleet.killHelm();
  const { stdout, exitCode } = await ocaptainHere("status");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^quay {2}unknown {2}2\/5 accepted/);
  expect(stdout).toMatch(/from the task files, last changed (\d+m)?\d+s ago/);
  expect(stdout).toMatch(/✗ the helm does not answer: .*\n.*pulumi up -s quay/);
  expect(stdout).toMatch(/✗ \S+ · task 2 \(Task 2\) is blocked/);
  expect(stdout).toMatch(/\nship-0 +unknown/);
  expect(await json("tasks", "-s", "accepted")).toMatchObject({
    from: "files",
    tasks: [{ id: "1", commit: expect.stringMatching(/^[0-9a-f]{40}$/) }, { id: "900001" }],
  });
  expect((await ocaptainHere("retry", "2")).stderr).toMatch(/the helm does not answer\b.*\n {2}hint: pulumi up/);
  const doctor = await ocaptainHere("doctor", "--json");
  expect(doctor.exitCode).toBe(1);
  expect(JSON.parse(doctor.stdout).findings).toEqual(
    expect.arrayContaining([expect.objectContaining({ what: "helm", state: "wrong", hint: "pulumi up -s quay" })]),
  );
  await expect(helmClient().health()).rejects.toMatchObject({ code: "HELM_DOWN" });
});
