import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gitIn } from "../support/git.ts";
import { helm, ship, voyage } from "./stand-in-voyage.ts";

const inRepo = (...args: string[]) => gitIn(helm.repo, ...args);

describe("a voyage", () => {
  test("works off all tasks, one commit each, and ends", async () => {
    await voyage(
      { id: "1", subject: "Lay the keel", rehearsal: "echo keel > keel.txt; touch .mutagen-temporary-1; echo laid it" },
      { id: "2", subject: "Walk along" },
      { id: "3", subject: "Say who", rehearsal: 'echo "$TASK_ID $TASK_SUBJECT $SHIP $VOYAGE" > who.txt' },
    );
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.rows.map((row) => row.status)).toEqual(["accepted", "accepted", "accepted"]);
    expect(inRepo("log", "--reverse", "--format=%s|%an|%ae", helm.branch).split("\n").slice(1)).toEqual([
      "Lay the keel|ship-0|ship-0@abc123.ocaptain",
      "Walk along|ship-0|ship-0@abc123.ocaptain",
      "Say who|ship-0|ship-0@abc123.ocaptain",
    ]);
    expect(
      inRepo(
        "show",
        "-s",
        "--format=%(trailers:key=Task,valueonly)%(trailers:key=Ship,valueonly)%(trailers:key=Voyage,valueonly)",
        helm.row("1").commit,
      ),
    ).toBe("1\nship-0\nabc123");
    expect(inRepo("show", `${helm.branch}:who.txt`)).toBe("3 Say who ship-0 abc123");
    expect(inRepo("ls-tree", "--name-only", helm.branch).split("\n")).toEqual([
      ".gitignore",
      "keel.txt",
      "shared.txt",
      "who.txt",
    ]);
    expect(inRepo("log", "-1", "--format=%b", helm.row("2").commit)).toContain("walked through");
    expect(inRepo("for-each-ref", "--format=%(refname)", "refs/ships")).toContain("refs/ships/ship-0/1-1");
    expect(readFileSync(ship.path("logs/task-1-1.log"), "utf8")).toBe("laid it\n");
    expect(helm.presences.size).toBe(0);
    // Its last word is the goodbye.
    expect(helm.calls.at(-1)).toMatchObject({ name: "heartbeat", body: { claim: null, leaving: "nothing to claim (done)" } });
    expect(helm.calls.filter(({ body }) => body.leaving !== undefined)).toHaveLength(1);
  });

  test("each heartbeat says for how long nothing has come of the work, and none of it while there is no work", async () => {
    await voyage({
      id: "1",
      subject: "Ponder",
      rehearsal: "until [ -e ~/voyage/go ]; do sleep 0.1; done; echo aha; until [ -e ~/voyage/end ]; do sleep 0.1; done",
    });
    const running = ship.start();
    const said = (from: number, is: (seconds: unknown) => boolean) =>
      helm.calls.slice(from).some(({ name, body }) => name === "heartbeat" && body.claim !== null && is(body.quietSeconds));
    await helm.until("silence that grows", () => said(0, (seconds) => Number(seconds) >= 2));
    const from = helm.calls.length;
    writeFileSync(ship.path("go"), "");
    await helm.until("a sign of progress", () => said(from, (seconds) => seconds === 0));
    writeFileSync(ship.path("end"), "");
    expect(await ship.ended(running)).toBe(0);
    const idle = helm.calls.filter(({ name, body }) => name === "heartbeat" && body.claim === null && body.note === "");
    for (const { body } of idle) expect(body).not.toHaveProperty("quietSeconds");
  });

  test("the token is in no argv, no hand's environment, no log, and 0600 on disk", async () => {
    await voyage({
      id: "1",
      subject: "Look around",
      rehearsal: "env > env.txt; tr '\\0' ' ' < /proc/$PPID/cmdline >> env.txt; cat .git/config >> env.txt",
    });
    expect(await ship.ended(ship.start())).toBe(0);
    expect(inRepo("show", `${helm.branch}:env.txt`)).toContain("TASK_ID=1");
    expect(inRepo("show", `${helm.branch}:env.txt`)).not.toContain(helm.token);
    expect(ship.output + readFileSync(ship.path("logs/supervisor.jsonl"), "utf8")).not.toContain(helm.token);
    for (const file of ["crew/token", "crew/gitconfig", "crew/config.json"])
      expect(statSync(ship.path(file)).mode & 0o777).toBe(0o600);
  });

  test("starts each task from the tip, without what an earlier one left lying; ignored caches stay", async () => {
    await voyage(
      {
        id: "1",
        subject: "Litter",
        rehearsal:
          "mkdir -p cache nested; echo c > cache/c; git -C nested init -q; echo x > nested/x; echo bad > shared.txt; exit 1",
      },
      { id: "2", subject: "Look", rehearsal: "ls -A > seen.txt; cat cache/c >> seen.txt" },
    );
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("1").status).toBe("blocked");
    expect(inRepo("show", `${helm.branch}:seen.txt`).split("\n")).toEqual([
      ".git",
      ".gitignore",
      "cache",
      "seen.txt",
      "shared.txt",
      "c",
    ]);
    expect(inRepo("show", `${helm.branch}:shared.txt`)).toBe("one");
  });

  test("makes one commit of what a hand committed, branched and left uncommitted; hooks do not run", async () => {
    await voyage({
      id: "1",
      subject: "Own commits",
      rehearsal: `git checkout -q -b other; echo a > a; git add a; git commit -qm mine; echo b > b
        printf '#!/bin/sh\\ntouch "$HOME/hook-ran"\\n' > .git/hooks/reference-transaction; chmod +x .git/hooks/reference-transaction`,
    });
    expect(await ship.ended(ship.start())).toBe(0);
    expect(existsSync(join(ship.home, "hook-ran"))).toBe(false);
    expect(inRepo("rev-list", "--count", helm.branch)).toBe("2");
    expect(inRepo("ls-tree", "--name-only", helm.branch).split("\n")).toEqual([".gitignore", "a", "b", "shared.txt"]);
    expect(inRepo("log", "-1", "--format=%s", helm.branch)).toBe("Own commits");
  });

  test("a folder that is already there (a mirror made it) becomes the clone", async () => {
    await voyage({ id: "1", subject: "Add", rehearsal: "ls > seen.txt" });
    mkdirSync(ship.path("workspace"), { recursive: true });
    writeFileSync(join(ship.path("workspace"), "old.txt"), "left by an earlier incarnation");
    expect(await ship.ended(ship.start())).toBe(0);
    expect(inRepo("show", `${helm.branch}:seen.txt`).split("\n")).toEqual(["seen.txt", "shared.txt"]);
  });

  test("runs verify.sh of the helm in a fresh checkout, reports, and leaves no trace of it", async () => {
    await voyage({ id: "1", subject: "Forge", rehearsal: "echo 'exit 7' > verify.sh; echo built > built.txt" });
    helm.verifyScript = "cat built.txt; test ! -e cache; git status --porcelain; pwd; exit 5";
    mkdirSync(ship.path("workspace/cache"), { recursive: true });
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.verified).toMatchObject({ epoch: 1, commit: helm.tip, exitCode: 5 });
    expect(helm.verified!.output).toBe(`built\n${ship.path("workspace")}\n`);
    expect(() => statSync(ship.path("scratch/verify-1"))).toThrow();
  });
});

describe("a verification", () => {
  test("of which the helm's git is away for long is made when it is back", async () => {
    await voyage({ id: "1", subject: "Forge", rehearsal: "echo built > built.txt" });
    helm.timing.leaseSeconds = 30;
    helm.timing.fenceSeconds = 20;
    helm.verifyScript = "cat built.txt; exit 5";
    helm.beforeVerify = () => {
      helm.gitAway = /./;
    };
    const child = ship.start();
    await helm.until("fetches", () => helm.turnedAway.length >= 7, 30_000);
    helm.gitAway = null;
    expect(await ship.ended(child)).toBe(0);
    expect(helm.verified).toMatchObject({ exitCode: 5, output: "built\n" });
  });

  test("that this ship cannot make is given back with why, and is no result", async () => {
    await voyage({ id: "1", subject: "Walk" });
    helm.verifyScript = "true";
    helm.verifyCommit = "f".repeat(40);
    helm.mostUnverified = 2;
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.verified).toBeNull();
    expect(helm.unverified).toMatchObject([
      {
        epoch: 1,
        commit: "f".repeat(40),
        reason: expect.stringMatching(/^verify.sh could not be run on this ship: git checkout/),
      },
      { epoch: 2 },
    ]);
    expect(ship.events()).not.toContain("failed");
  });

  test("is made though a task has left a file in the place of the scratch folder", async () => {
    await voyage({ id: "1", subject: "Litter", rehearsal: 'rm -rf "$HOME/voyage/scratch"; : > "$HOME/voyage/scratch"' });
    helm.verifyScript = "exit 0";
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.verified).toMatchObject({ exitCode: 0 });
  });

  // Scripts in the plans of the prior Python tool go to that folder by themselves.
  describe.each([
    ["~/voyage/workspace", "cd ~/voyage/workspace"],
    ["$HOME/voyage/workspace", 'cd "$HOME/voyage/workspace"'],
    ["the whole path, with another HOME", "HOME=/nowhere; cd WORKSPACE"],
    ["find, which follows no link", "cd /; find WORKSPACE -name made -o -name own | grep -q . || cd WORKSPACE"],
  ])("by a script that goes to %s", (_way, go) => {
    const script = (rest: string) => `set -e\n${go.replaceAll("WORKSPACE", ship.path("workspace"))}\n${rest}`;

    test("fails at a tip that lacks what the ship's own tree has, ignored there", async () => {
      await voyage({ id: "1", subject: "Make", rehearsal: "mkdir -p cache; echo made > cache/made" });
      helm.verifyScript = script("test -f cache/made");
      expect(await ship.ended(ship.start())).toBe(0);
      expect(helm.row("1").status).toBe("accepted");
      expect(helm.verified).toMatchObject({ exitCode: 1 });
      expect(readFileSync(ship.path("workspace/cache/made"), "utf8")).toBe("made\n");
    });

    test("passes at a tip that has what the ship's own tree lacks", async () => {
      await voyage({ id: "1", subject: "Walk" });
      helm.beforeVerify = () => {
        const seed = join(helm.repo, "..", "seed");
        gitIn(seed, "pull", "--quiet", helm.repo, helm.branch);
        writeFileSync(join(seed, "others.txt"), "another ship's\n");
        gitIn(seed, "add", "--all");
        gitIn(seed, "commit", "--quiet", "-m", "another ship's");
        gitIn(seed, "push", "--quiet", helm.repo, helm.branch);
      };
      helm.verifyScript = script('grep another others.txt; test -z "$(git status --porcelain)"');
      expect(await ship.ended(ship.start())).toBe(0);
      expect(helm.verified).toMatchObject({ exitCode: 0 });
      expect(existsSync(ship.path("workspace/others.txt"))).toBe(false);
    });
  });

  test("leaves the ship its own tree, and its sync the way there: after a kill in its midst too", async () => {
    await voyage({ id: "1", subject: "Make", rehearsal: "mkdir -p cache; echo made > cache/made" });
    const synced = () => readFileSync(ship.path("synced/workspace/cache/made"), "utf8");
    helm.verifyScript = 'touch "$HOME/verifying"; sleep 60';
    const child = ship.start();
    await helm.until("verify.sh runs", () => existsSync(join(ship.home, "verifying")));
    // Meanwhile the captain's sync sees the ship's own tree through the link.
    expect(synced()).toBe("made\n");
    expect(existsSync(ship.path("workspace/cache"))).toBe(false);
    child.kill("SIGKILL");
    await ship.ended(child);
    expect(synced()).toBe("made\n");

    helm.verifyScript = "exit 4";
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.verified).toMatchObject({ exitCode: 4 });
    expect(readFileSync(ship.path("workspace/cache/made"), "utf8")).toBe("made\n");
    expect(synced()).toBe("made\n");
    expect(readlinkSync(ship.path("synced"))).toBe(".");
    expect(readdirSync(ship.path("aside"))).toEqual([]);
  });
});

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

describe("a conflict", () => {
  /** Has the work of another ship accepted meanwhile. */
  const moveTip = (text: string) => {
    const seed = join(helm.repo, "..", "seed");
    gitIn(seed, "pull", "--quiet", helm.repo, helm.branch);
    writeFileSync(join(seed, "shared.txt"), text);
    gitIn(seed, "commit", "--quiet", "--all", "-m", `other ${text.trim()}`);
    gitIn(seed, "push", "--quiet", helm.repo, helm.branch);
  };

  test("is resolved by running the command again on the new tip", async () => {
    await voyage({ id: "1", subject: "Append", rehearsal: "echo $(cat shared.txt) mine > shared.txt" });
    let moved = false;
    helm.beforeAccept = () => {
      if (!moved) moveTip("two\n");
      moved = true;
    };
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("1").status).toBe("accepted");
    expect(inRepo("show", `${helm.branch}:shared.txt`)).toBe("two mine");
    expect(ship.events()).toContain("conflict");
  });

  test("that comes back time and again costs no try: the claim is handed back with the files named", async () => {
    await voyage({ id: "1", subject: "Append", rehearsal: "echo $(cat shared.txt) mine > shared.txt" });
    let n = 0;
    helm.beforeAccept = () => moveTip(`other ${n++}\n`);
    const child = ship.start();
    await helm.until("the hand-back", () => helm.count("release") > 0, 60_000);
    child.kill("SIGTERM");
    await ship.ended(child);
    const [release] = helm.calls.filter(({ name }) => name === "release");
    expect(release!.body).toMatchObject({ failed: false, reason: expect.stringContaining("shared.txt") });
    expect(helm.row("1").tries).toBe(0);
  });
});
