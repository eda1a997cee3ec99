import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gitIn } from "../support/git.ts";
import { asNobodySpecial } from "./powers.ts";
import { helm, ship, voyage } from "./stand-in-voyage.ts";

/** Writes a file that stands in for node and starts the supervisor without a superuser's powers. */
function startWithoutPowers() {
  const file = join(ship.home, "node");
  writeFileSync(file, `#!/bin/sh\nexec ${asNobodySpecial(process.execPath).join(" ")} "$@"\n`);
  chmodSync(file, 0o755);
  return ship.start({}, file);
}

describe("a ship on which a task has left", () => {
  test("folders that cannot be written or read, locks, and settings that stop git: goes on with the next, at no cost", async () => {
    const poisons = [
      "mkdir -p pkg/mod/a; echo a > pkg/mod/a/f; chmod -R a-w pkg",
      "mkdir e; echo e > e/f; chmod 000 e",
      "touch .git/HEAD.lock .git/index.lock .git/refs/heads/ship-0.lock; git config core.bare true",
      "git sparse-checkout set --no-cone /shared.txt; git config core.worktree /none; chmod 000 .git",
    ];
    await voyage(
      ...poisons.flatMap((poison, nth) => [
        { id: String(2 * nth + 1), subject: "Poison", rehearsal: `${poison}; exit 3` },
        { id: String(2 * nth + 2), subject: "Look", rehearsal: "ls -A | tr '\\n' ' ' > seen.txt; git status --porcelain" },
      ]),
    );
    expect(await ship.ended(startWithoutPowers(), 60_000)).toBe(0);
    for (const row of helm.rows)
      expect({ [row.id]: row.status, tries: row.tries }, row.reason).toEqual(
        row.subject === "Look" ? { [row.id]: "accepted", tries: 0 } : { [row.id]: "blocked", tries: 1 },
      );
    expect(gitIn(helm.repo, "show", `${helm.branch}:seen.txt`)).toBe(".git .gitignore seen.txt shared.txt");
    expect(gitIn(helm.repo, "show", "refs/ships/ship-0/left-3-1:e/f")).toBe("e");
  });

  test("a folder that cannot be read: the task is not accepted, and its reason names the folder", async () => {
    await voyage({ id: "1", subject: "Dark", rehearsal: "mkdir e; echo result > e/f; chmod 000 e; echo y > y" });
    expect(await ship.ended(startWithoutPowers())).toBe(0);
    expect(helm.row("1")).toMatchObject({ status: "blocked", tries: 1 });
    expect(helm.row("1").reason).toMatch(/cannot be read, and would not be delivered: e\. Make them readable \(chmod u\+rwx\)/);
    expect(helm.count("accept")).toBe(0);
    // No other claim comes, and the VM may go now: what was refused must have been kept already.
    expect(gitIn(helm.repo, "show", "refs/ships/ship-0/left-1-1:e/f")).toBe("result");
    expect(statSync(ship.path("workspace/e")).mode & 0o700).toBe(0o700);
  });
});

test("what verify.sh leaves that cannot be removed by its modes changes no result, and stops no crew", async () => {
  await voyage({ id: "1", subject: "Walk" });
  const readOnly = "mkdir -p pkg/mod; echo a > pkg/mod/f; chmod -R a-w pkg";
  helm.verifyScript = `${readOnly}; chmod a-w .; exit 4`;
  // An earlier crew was killed while it ran the script.
  mkdirSync(ship.path("scratch"), { recursive: true });
  execFileSync("sh", ["-c", readOnly], { cwd: ship.path("scratch") });
  expect(await ship.ended(startWithoutPowers())).toBe(0);
  expect(helm.verified).toMatchObject({ exitCode: 4 });
  expect(readdirSync(ship.path("scratch"))).toEqual([]);
});

test("a tree that cannot be made ready costs its task no try, and is made ready when it can be", async () => {
  await voyage({ id: "1", subject: "Do", rehearsal: "echo done > done.txt" });
  // This git does all but one command, which fails as long as a file is there.
  const [shim, ill] = [join(ship.home, "shim"), join(ship.home, "ill")];
  mkdirSync(shim);
  writeFileSync(ill, "");
  writeFileSync(
    join(shim, "git"),
    `#!/bin/sh\ncase " $* " in *" reset "*) [ -e ${ill} ] && { echo "fatal: the disk is ill" >&2; exit 128; };; esac\nPATH=\${PATH#*:} exec git "$@"\n`,
    { mode: 0o755 },
  );
  const child = ship.start({ PATH: `${shim}:${process.env.PATH}` });
  await helm.until("the claim to come back", () => helm.count("release") > 0);
  rmSync(ill);
  expect(await ship.ended(child)).toBe(0);
  const [release] = helm.calls.filter((call) => call.name === "release");
  expect(release!.body).toMatchObject({ failed: false });
  expect(release!.body.reason).toMatch(/^the ship's tree cannot be made ready: git reset failed \(128\): fatal: the disk is ill/);
  expect(helm.row("1")).toMatchObject({ status: "accepted", tries: 0 });
  expect(existsSync(ship.path("workspace/done.txt"))).toBe(true);
});

test("a git that is killed while it is asked where HEAD is has not said that it was moved: no try, and the task is done again", async () => {
  await voyage({
    id: "1",
    subject: "Do",
    // Where HEAD is, is asked of git only when the hand has moved it.
    rehearsal:
      'echo done > done.txt; git add done.txt; git commit -qm done; [ -e "$HOME/once" ] || touch "$HOME/once" "$HOME/ill"',
  });
  const [shim, ill] = [join(ship.home, "shim"), join(ship.home, "ill")];
  mkdirSync(shim);
  writeFileSync(
    join(shim, "git"),
    `#!/bin/sh\ncase " $* " in *" rev-parse "*"^{commit} ") [ -e ${ill} ] && rm ${ill} && kill -9 $$;; esac\nPATH=\${PATH#*:} exec git "$@"\n`,
    { mode: 0o755 },
  );
  expect(await ship.ended(ship.start({ PATH: `${shim}:${process.env.PATH}` }))).toBe(0);
  const [release] = helm.calls.filter((call) => call.name === "release");
  expect(release!.body).toMatchObject({ failed: false, fault: true, reason: expect.stringContaining("SIGKILL") });
  expect(helm.row("1")).toMatchObject({ status: "accepted", tries: 0 });
});
