import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gitIn } from "../support/git.ts";
import { helm, ship, voyage } from "./stand-in-voyage.ts";

const inRepo = (...args: string[]) => gitIn(helm.repo, ...args);
const LEFT = "refs/ships/ship-0/left-1-1";
const leftRefs = () => inRepo("for-each-ref", "--format=%(refname)", "refs/ships/ship-0/left-*");
const inTree = (file: string) => join(ship.path("workspace"), file);

/**
 * The command of a hand that leaves something of every kind, says so, and works until it is let go; when it is run
 * again it does nothing.
 */
const leaves = `[ -e "$HOME/go" ] && exit 0
  echo half > half.txt; echo changed > shared.txt; mkdir -p cache deep/repo empty/repo; echo c > cache/c
  git -C deep/repo init -q; echo 1 > deep/repo/one; git -C deep/repo add one; git -C deep/repo commit -qm one; echo 2 > deep/repo/two
  git -C empty/repo init -q; echo 3 > empty/repo/three
  echo mine > mine.txt; git add mine.txt; git commit -qm mine
  touch "$HOME/began"; while [ ! -e "$HOME/go" ]; do sleep 0.05; done`;
const began = () => existsSync(join(ship.home, "began"));
const letGo = () => writeFileSync(join(ship.home, "go"), "");

function expectAllLeft(): void {
  expect(inRepo("ls-tree", "-r", "--name-only", LEFT).split("\n")).toEqual([
    ".gitignore",
    "deep/repo/one",
    "deep/repo/two",
    "empty/repo/three",
    "half.txt",
    "mine.txt",
    "shared.txt",
  ]);
  expect(inRepo("show", `${LEFT}:shared.txt`)).toBe("changed");
  expect(inRepo("log", "--format=%s|%an", LEFT).split("\n")).toEqual([
    "What ship-0 left of 1-1, not delivered|ship-0",
    "mine|ship-0",
    "seed|t",
  ]);
}

describe("work that was not delivered", () => {
  test("is kept at the helm when a crew that was killed begins the task again", async () => {
    await voyage({ id: "1", subject: "Half", rehearsal: leaves });
    const first = ship.start();
    await helm.until("the hand begins", began);
    first.kill("SIGKILL");
    await ship.ended(first);
    letGo();
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "accepted", epoch: 1 });
    expect(inRepo("ls-tree", "--name-only", helm.branch).split("\n")).toEqual([".gitignore", "shared.txt"]);
    expectAllLeft();
  });

  test("is kept at an ordered stop, once, and not again when the task goes on later", async () => {
    await voyage({ id: "1", subject: "Half", rehearsal: leaves });
    const first = ship.start();
    await helm.until("the hand begins", began);
    first.kill("SIGTERM");
    expect(await ship.ended(first)).toBe(0);
    expectAllLeft();
    const commit = inRepo("rev-parse", LEFT);
    letGo();
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "accepted", epoch: 2 });
    expect(inRepo("rev-parse", LEFT)).toBe(commit);
    expect(leftRefs()).toBe(LEFT);
  });

  test("is not wiped while it cannot be saved: the claim goes back unharmed until the helm's git is there again", async () => {
    await voyage({ id: "1", subject: "Tell the epoch", rehearsal: "echo $TASK_EPOCH > epoch.txt" });
    helm.timing.leaseSeconds = 1;
    helm.gitAway = /receive-pack/;
    const child = ship.start();
    await helm.until("the claim to come back twice", () => helm.count("release") >= 2, 30_000);
    expect(helm.calls.filter((call) => call.name === "release").map((call) => call.body.failed)).not.toContain(true);
    expect(readFileSync(inTree("epoch.txt"), "utf8")).toBe("1\n");
    helm.gitAway = null;
    expect(await ship.ended(child)).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "accepted", tries: 0 });
    expect(inRepo("show", `${LEFT}:epoch.txt`)).toBe("1");
    expect(Number(inRepo("show", `${helm.branch}:epoch.txt`))).toBe(helm.row("1").epoch);
  });

  test("is kept also when a task has failed, and a task that was accepted leaves nothing", async () => {
    await voyage(
      { id: "1", subject: "Fail", rehearsal: "echo nearly > nearly.txt; exit 1" },
      { id: "2", subject: "Do", rehearsal: "echo done > done.txt" },
      { id: "3", subject: "Walk" },
    );
    expect(await ship.ended(ship.start())).toBe(0);
    expect(inRepo("show", `${LEFT}:nearly.txt`)).toBe("nearly");
    expect(leftRefs()).toBe(LEFT);
  });
});
