import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gitIn } from "../support/git.ts";
import { helm, ship, voyage } from "./stand-in-voyage.ts";

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
