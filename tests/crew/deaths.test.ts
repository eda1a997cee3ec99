import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gitIn } from "../support/git.ts";
import { SOON } from "./stand-in-helm.ts";
import { helm, ship, voyage } from "./stand-in-voyage.ts";

/** The command of a hand that says it began, then works until it is let go. */
const waits = (name: string) =>
  `touch "$HOME/${name}-began"; while [ ! -e "$HOME/${name}-go" ]; do sleep 0.05; done; echo done > ${name}.txt`;
const began = (name: string) => existsSync(join(ship.home, `${name}-began`));
const letGo = (name: string) => gitIn(ship.home, "init", "-q", join(ship.home, `${name}-go`));
/**
 * Signals a process, quietly when it has ended: one of the short sleeps of a hand that waits is always about to end.
 */
const signal = (pid: number, name: NodeJS.Signals) => {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
};
const fenced = { error: "fenced" as const, message: "this incarnation is fenced", holder: null };

describe("a helm that is away", () => {
  test("at the start is waited for", async () => {
    await voyage({ id: "1", subject: "Any" });
    helm.away = true;
    const child = ship.start();
    await helm.until("more than one try", () => helm.turnedAway.length > 1);
    helm.away = false;
    expect(await ship.ended(child)).toBe(0);
    expect(helm.row("1").status).toBe("accepted");
  });

  test("and comes back at another address, written to the ship by up, is found there", async () => {
    await voyage({ id: "1", subject: "Any", rehearsal: waits("a") });
    const child = ship.start();
    await helm.until("the hand begins", () => began("a"));
    const old = helm.url;
    await helm.stop();
    await helm.start();
    expect(helm.url).not.toBe(old);
    await ship.install(helm.url, helm.token);
    letGo("a");
    expect(await ship.ended(child)).toBe(0);
    expect(helm.row("1").status).toBe("accepted");
  });

  test("for a moment costs nothing: the hand goes on, the answer is asked for again", async () => {
    await voyage({ id: "1", subject: "Long", rehearsal: waits("a") });
    const child = ship.start();
    await helm.until("the hand begins", () => began("a"));
    helm.away = true;
    letGo("a");
    await helm.until("more than one try", () => helm.turnedAway.length > 1);
    helm.away = false;
    expect(await ship.ended(child)).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "accepted", epoch: 1, tries: 0 });
  });

  test("for longer, as the hand ends, costs nothing either: the push is tried until the helm is back", async () => {
    await voyage({ id: "1", subject: "Long", rehearsal: waits("a") });
    helm.timing.leaseSeconds = 30;
    helm.timing.fenceSeconds = 20;
    const child = ship.start();
    await helm.until("the hand begins", () => began("a"));
    helm.away = true;
    letGo("a");
    // The push is tried more often than any small fixed number of times.
    await helm.until("pushes", () => helm.turnedAway.filter((path) => path.startsWith("/git/")).length >= 7);
    helm.away = false;
    expect(await ship.ended(child)).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "accepted", epoch: 1, tries: 0 });
    expect(helm.count("release")).toBe(0);
  });

  test("past the fence: the hand is stopped, the claim dropped, and hello said again", async () => {
    await voyage({ id: "1", subject: "Long", rehearsal: waits("a") });
    helm.timing.fenceSeconds = SOON;
    const child = ship.start();
    await helm.until("the hand begins", () => began("a"));
    helm.away = true;
    await helm.until("the fence", () => ship.events().at(-1) === "silence");
    expect(ship.handPids()).toEqual([]);
    helm.row("1").status = "pending"; // the helm has fenced and requeued it
    helm.away = false;
    letGo("a");
    expect(await ship.ended(child)).toBe(0);
    expect(helm.count("hello")).toBe(2);
    expect(helm.row("1")).toMatchObject({ status: "accepted", epoch: 2 });
    expect(helm.count("accept")).toBe(1);
  });

  test("that answers late is not misread: heartbeats that cross the accept are refused, and the task is accepted all the same", async () => {
    await voyage({ id: "1", subject: "Any", rehearsal: "echo x > x" }, { id: "2", subject: "Next", rehearsal: "echo y > y" });
    helm.slowAnswerMs.accept = 700;
    expect(await ship.ended(ship.start())).toBe(0);
    expect(ship.events().filter((event) => event === "accepted")).toHaveLength(2);
    expect(ship.events()).not.toContain("dropped");
  });

  test.each(["claim", "accept", "release"])(
    "whose answer to %s is lost is asked again with the same request id",
    async (name) => {
      await voyage({ id: "1", subject: "Any", rehearsal: name === "release" ? "exit 1" : "echo x > x" });
      helm.loseAnswers[name] = 2;
      expect(await ship.ended(ship.start())).toBe(0);
      const [first, second, third] = helm.calls.filter((call) => call.name === name);
      expect(second!.body).toEqual(first!.body);
      expect(third!.body).toEqual(first!.body);
      expect(helm.row("1")).toMatchObject({ epoch: 1, status: name === "release" ? "blocked" : "accepted" });
    },
  );
});

describe("a supervisor", () => {
  test("frozen past its lease and thawed stops its hand; its work is not accepted", async () => {
    await voyage({ id: "1", subject: "Long", rehearsal: waits("a") });
    helm.timing.fenceSeconds = SOON;
    const child = ship.start();
    await helm.until("the hand begins", () => began("a"));
    child.kill("SIGSTOP");
    letGo("a"); // the hand is not frozen: it ends, and its supervisor finds it done after the thaw
    await helm.until("the fence", () => helm.silentMs > helm.timing.fenceSeconds * 1000);
    helm.row("1").status = "blocked"; // fenced; in truth given to another ship
    helm.row("1").epoch = 2;
    helm.refusals.hello = fenced;
    child.kill("SIGCONT");
    expect(await ship.ended(child)).toBe(3);
    expect(helm.count("accept")).toBe(0);
    expect(gitIn(helm.repo, "for-each-ref", "refs/ships")).toBe("");
    expect(ship.handPids()).toEqual([]);
  });

  test("frozen with its hand, past its lease, does not bring the hand's work in either", async () => {
    await voyage({ id: "1", subject: "Long", rehearsal: waits("a") });
    helm.timing.fenceSeconds = SOON;
    const child = ship.start();
    await helm.until("the hand begins", () => began("a"));
    const pids = [...ship.handPids()];
    for (const pid of [child.pid!, ...pids]) signal(pid, "SIGSTOP");
    await helm.until("the fence", () => helm.silentMs > helm.timing.fenceSeconds * 1000);
    helm.row("1").status = "pending";
    letGo("a");
    for (const pid of [...pids, child.pid!]) signal(pid, "SIGCONT");
    expect(await ship.ended(child)).toBe(0);
    expect(helm.calls.filter((call) => call.name === "accept").map((call) => call.body.epoch)).toEqual([2]);
  });

  test("killed in mid-task and started again goes on with its claim; the old hand is gone", async () => {
    await voyage({ id: "1", subject: "Long", rehearsal: `${waits("a")}; echo one >> runs.txt` });
    const first = ship.start();
    await helm.until("the hand begins", () => began("a"));
    first.kill("SIGKILL");
    await ship.ended(first);
    const orphans = ship.handPids();
    expect(orphans.length).toBeGreaterThan(0);
    const second = ship.start();
    await helm.until("hello again", () => helm.count("hello") === 2);
    expect(ship.handPids().filter((pid) => orphans.includes(pid))).toEqual([]);
    letGo("a");
    expect(await ship.ended(second)).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "accepted", epoch: 1 });
    expect(gitIn(helm.repo, "show", `${helm.branch}:runs.txt`)).toBe("one");
  });

  test.each(["push", "accept"])("killed at its %s and started again brings the work in once", async (point) => {
    await voyage({ id: "1", subject: "Add", rehearsal: "echo line >> lines.txt" });
    const first = ship.start();
    if (point === "accept") helm.beforeAccept = () => void first.kill("SIGKILL");
    else
      await helm.until("pushed", () => gitIn(helm.repo, "for-each-ref", "refs/ships") !== "").then(() => first.kill("SIGKILL"));
    await ship.ended(first);
    helm.beforeAccept = () => {};
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("1").status).toBe("accepted");
    expect(gitIn(helm.repo, "show", `${helm.branch}:lines.txt`)).toBe("line");
    expect(gitIn(helm.repo, "rev-list", "--count", helm.branch)).toBe("2");
  });

  test.each(["KILL", "TERM"])(
    "killed by its task each time, by SIG%s: the sixth crew does not begin it, and that is a try",
    async (name) => {
      await voyage({ id: "1", subject: "Kill", rehearsal: `echo >> "$HOME/began"; kill -${name} $PPID; sleep 60` });
      for (let crew = 1; helm.row("1").status !== "blocked"; crew++) {
        expect(crew).toBeLessThanOrEqual(6);
        await ship.ended(ship.start());
      }
      expect(helm.row("1")).toMatchObject({
        tries: 1,
        epoch: name === "KILL" ? 1 : 6,
        reason: "its crew was killed 5 times while it worked at this task",
      });
      expect(readFileSync(join(ship.home, "began"), "utf8")).toHaveLength(5);
      helm.row("1").status = "pending";
      await ship.ended(ship.start());
      expect(readFileSync(join(ship.home, "began"), "utf8"), "after a try it is counted anew").toHaveLength(6);
    },
  );

  test("past the fence has not been killed: that counts neither for nor against its task", async () => {
    await voyage({ id: "1", subject: "Long", rehearsal: waits("a") });
    helm.timing.fenceSeconds = SOON;
    const kept = () => JSON.parse(readFileSync(ship.path("crew/kills.json"), "utf8"));
    const killed = ship.start();
    await helm.until("the hand begins", () => began("a"));
    killed.kill("SIGKILL");
    await ship.ended(killed);
    expect(kept()).toMatchObject({ task: "1", kills: 1 });
    const child = ship.start();
    await helm.until("at work again", () => kept().kills === 2);
    helm.away = true;
    await helm.until("the fence", () => ship.events().at(-1) === "silence");
    expect(kept()).toMatchObject({ kills: 1 });
    helm.away = false;
    letGo("a");
    expect(await ship.ended(child)).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "accepted", epoch: 1, tries: 0 });
    expect(existsSync(ship.path("crew/kills.json"))).toBe(false);
  });

  test("is alone on its ship: a second one ends without touching anything", async () => {
    await voyage({ id: "1", subject: "Long", timeoutSeconds: 60, rehearsal: waits("a") });
    const first = ship.start();
    await helm.until("the hand begins", () => began("a"));
    const pids = ship.handPids();
    const second = ship.start();
    expect(await ship.ended(second)).toBe(0);
    expect(ship.events()).toContain("second");
    expect(ship.handPids()).toEqual(expect.arrayContaining(pids.slice(0, 1)));
    letGo("a");
    expect(await ship.ended(first)).toBe(0);
    expect(helm.count("hello")).toBe(1);
  });

  test.each(["SIGTERM", "SIGHUP"] as const)(
    "ends at %s: hand stopped, claim given back unharmed, presence closed",
    async (name) => {
      await voyage({ id: "1", subject: "Long", rehearsal: waits("a") });
      const child = ship.start();
      await helm.until("the hand begins", () => began("a"));
      child.kill(name);
      expect(await ship.ended(child)).toBe(0);
      expect(helm.row("1")).toMatchObject({ status: "pending", tries: 0 });
      expect(helm.calls.find((call) => call.name === "release")!.body).toMatchObject({ failed: false, epoch: 1 });
      expect(helm.presences.size).toBe(0);
      expect(ship.handPids()).toEqual([]);
    },
  );

  test.each(["heartbeat", "presence"])("ends when the helm says stop by %s", async (way) => {
    await voyage({ id: "1", subject: "Long", rehearsal: waits("a") });
    helm.timing.heartbeatSeconds = way === "presence" ? 1.5 : 0.2;
    const child = ship.start();
    await helm.until("the hand begins", () => began("a") && helm.presences.size === 1);
    if (way === "heartbeat") helm.steer = "stop";
    else for (const presence of helm.presences) presence.write('{"type":"stop","reason":"the voyage sinks"}\n');
    expect(await ship.ended(child)).toBe(0);
    expect(helm.count("release")).toBe(1);
    expect(ship.events().at(-1)).toBe("stop");
  });

  test("gives a task back as failed when the helm refuses the work itself, and goes on", async () => {
    await voyage({ id: "1", subject: "Odd", rehearsal: "echo 1 > one.txt" }, { id: "2", subject: "Walk" });
    helm.refusals.accept = { error: "check-failed", message: "the helm saw otherwise", holder: null };
    const child = ship.start();
    await helm.until("released", () => helm.count("release") === 1);
    delete helm.refusals.accept;
    expect(await ship.ended(child)).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "blocked", tries: 1, reason: "check-failed: the helm saw otherwise" });
    expect(helm.row("2").status).toBe("accepted");
  });

  test("drops a claim that went stale, and claims the next", async () => {
    await voyage(
      { id: "1", subject: "Long", rehearsal: waits("a") },
      { id: "2", subject: "Short", rehearsal: "echo 2 > two.txt" },
    );
    const child = ship.start();
    await helm.until("the hand begins", () => began("a"));
    helm.row("1").epoch = 9;
    helm.row("1").status = "accepted"; // by another
    expect(await ship.ended(child)).toBe(0);
    expect(ship.events()).toContain("dropped");
    expect(helm.row("2").status).toBe("accepted");
    expect(helm.calls.filter((call) => call.name === "accept").map((call) => call.body.task)).toEqual(["2"]);
  });

  test("takes up a new token that was put on the ship while it works", async () => {
    await voyage({ id: "1", subject: "Long", rehearsal: waits("a") });
    const child = ship.start();
    await helm.until("the hand begins", () => began("a"));
    (helm as { token: string }).token = "another-token-00000000";
    await ship.install(helm.url, helm.token);
    letGo("a");
    expect(await ship.ended(child)).toBe(0);
    expect(helm.row("1").status).toBe("accepted");
    expect(readFileSync(ship.path("crew/gitconfig"), "utf8")).toContain("another-token");
  });
});
