import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gitIn } from "../support/git.ts";
import { helm, ship, voyage } from "./stand-in-voyage.ts";

const inRepo = (...args: string[]) => gitIn(helm.repo, ...args);

describe("a task that fails", () => {
  test("is released with its reason and the output's tail", async () => {
    await voyage({ id: "1", subject: "Break", rehearsal: "echo before; echo the mast is broken >&2; exit 3" });
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "blocked", tries: 1 });
    expect(helm.row("1").reason).toBe("exit status 3: the mast is broken\nbefore\nthe mast is broken\n");
    expect(helm.count("accept")).toBe(0);
  });

  test("is stopped at its time, with all it started, also in sessions of their own", async () => {
    await voyage({
      id: "1",
      subject: "Dawdle",
      timeoutSeconds: 0.5,
      rehearsal: "setsid sleep 61 & trap '' TERM; echo slow; sleep 62 & wait; sleep 63",
    });
    const child = ship.start();
    await helm.until("release", () => helm.count("release") > 0);
    expect(ship.handPids()).toEqual([]);
    expect(await ship.ended(child)).toBe(0);
    expect(helm.row("1").reason).toMatch(/^stopped after 0.5 s, its time limit: slow\nslow/);
  });

  test("is released when its check fails, with the check's output, and is not accepted", async () => {
    await voyage({
      id: "1",
      subject: "Sloppy",
      rehearsal: "echo 1 > n.txt; echo 'exit 0' > check.sh",
      check: "echo checking; grep -q 2 n.txt",
    });
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("1").reason).toBe("the check failed, exit status 1: checking\nchecking\n");
    expect(helm.count("accept")).toBe(0);
  });

  test.each(["git -C lib/dep commit -q --allow-empty -m own", "true"])(
    "is released when a repository of its own lies in the tree, with the path and what helps (made by: %s)",
    async (more) => {
      await voyage(
        { id: "1", subject: "Vendor", rehearsal: `mkdir -p lib/dep; git -C lib/dep init -q; echo x > lib/dep/x; ${more}` },
        { id: "2", subject: "Walk" },
      );
      expect(await ship.ended(ship.start())).toBe(0);
      expect(helm.row("1")).toMatchObject({ status: "blocked", tries: 1 });
      expect(helm.row("1").reason).toMatch(/repository lies inside the tree: lib\/dep\..*Remove its \.git folder.*\.gitmodules/);
      expect(inRepo("show", "refs/ships/ship-0/left-1-1:lib/dep/x")).toBe("x");
    },
  );

  test("is released when the commit of a submodule can be had nowhere; one that can is delivered", async () => {
    const add = "git -c protocol.file.allow=always submodule --quiet add ./cache/m sub";
    await voyage(
      { id: "1", subject: "Own", rehearsal: `git init -q cache/m; git -C cache/m commit -q --allow-empty -m own; ${add}` },
      {
        id: "2",
        subject: "Had",
        rehearsal: `rm -rf cache/m; git clone -q . cache/m; ${add}
          helm=$(sed -n 's/.*"helmUrl":"\\([^"]*\\).*/\\1/p' ~/voyage/crew/config.json)
          git config -f .gitmodules submodule.sub.url "$helm/git/abc123"`,
      },
      { id: "3", subject: "Spoil", rehearsal: "echo spoiled > sub/shared.txt; echo x > sub/x; exit 1" },
      { id: "4", subject: "Look", rehearsal: "ls sub > seen.txt; cat sub/shared.txt >> seen.txt" },
    );
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("1").reason).toMatch(/^the submodule sub is at commit \w{10}, which nobody else can have: its address/);
    expect(helm.row("2").status, helm.row("2").reason).toBe("accepted");
    expect(inRepo("ls-tree", helm.branch, "sub")).toMatch(/^160000 commit/);
    expect(helm.row("4").status, helm.row("4").reason).toBe("accepted");
    expect(inRepo("show", `${helm.branch}:seen.txt`), "a submodule that is initialised stays, as its commit").toBe(
      "shared.txt\none",
    );
  });

  test("a passing check is testified to", async () => {
    await voyage({ id: "1", subject: "Neat", rehearsal: "echo 2 > n.txt", check: "echo checking; grep -q 2 n.txt" });
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.calls.find((call) => call.name === "accept")!.body.check).toEqual({ exitCode: 0, output: "checking\n" });
  });

  test("what a hand leaves running in the background cannot write after the commit", async () => {
    await voyage({
      id: "1",
      subject: "Leave one",
      rehearsal: "(while :; do date +%N > tick.txt; done) & sleep 0.2",
      check: 'a=$(cat tick.txt); sleep 0.2; test "$a" = "$(cat tick.txt)"',
    });
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("1").status).toBe("accepted");
  });
});

describe("a ship that cannot begin", () => {
  test("gives its claims back unharmed, as its own fault, and not in one rush", async () => {
    await voyage({ id: "1", subject: "Any", rehearsal: "echo 1 > n.txt" });
    // Nothing can be written where each task's log is to be.
    mkdirSync(ship.path("logs/task-1-1.log"), { recursive: true });
    mkdirSync(ship.path("logs/task-1-2.log"), { recursive: true });
    const started = performance.now();
    expect(await ship.ended(ship.start())).toBe(0);
    const releases = helm.calls.filter(({ name }) => name === "release").map(({ body }) => body);
    expect(releases).toMatchObject([
      { failed: false, fault: true, reason: expect.stringContaining("task-1-1.log") },
      { failed: false, fault: true },
    ]);
    expect(helm.row("1").tries).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(2000);
  });

  test("for a command that no ship could start fails the task", async () => {
    await voyage({ id: "1", subject: "Endless", rehearsal: `: ${"x".repeat(140_000)}` });
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "blocked", tries: 1, faults: 0 });
  });

  test("and is tried anew begins with a new clone, and keeps what lay in the old one", async () => {
    await voyage({ id: "1", subject: "Any", rehearsal: "git config --get own.mark > mark.txt; true" });
    mkdirSync(ship.path("workspace"), { recursive: true });
    gitIn(ship.path("workspace"), "init", "-q");
    gitIn(ship.path("workspace"), "config", "own.mark", "old clone");
    writeFileSync(ship.path("workspace/unsaved.txt"), "not saved yet\n");
    helm.anew = true;
    expect(await ship.ended(ship.start())).toBe(0);
    expect(inRepo("show", `${helm.branch}:mark.txt`)).toBe("");
    expect(inRepo("show", "refs/ships/ship-0/left-1-1:unsaved.txt")).toBe("not saved yet");
  });
});
