import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
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
