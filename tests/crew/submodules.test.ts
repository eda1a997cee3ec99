import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { gitIn } from "../support/git.ts";
import { helm, ship, voyage } from "./stand-in-voyage.ts";

/** Commits links to submodules, given the address of each path. All links lead to the repository's first commit. */
function addSubmodules(addresses: Record<string, string>): void {
  const at = join(dirname(helm.repo), "submodules"); // goes with the voyage's folder
  mkdirSync(at);
  gitIn(at, "clone", "--quiet", helm.repo, ".");
  const commit = gitIn(at, "rev-parse", "HEAD");
  for (const [path, address] of Object.entries(addresses)) {
    gitIn(at, "config", "--file", ".gitmodules", `submodule.${path}.path`, path);
    gitIn(at, "config", "--file", ".gitmodules", `submodule.${path}.url`, address);
    gitIn(at, "update-index", "--add", "--cacheinfo", `160000,${commit},${path}`);
  }
  writeFileSync(join(at, "main.txt"), "main\n");
  gitIn(at, "add", ".gitmodules", "main.txt");
  gitIn(at, "commit", "--quiet", "-m", "submodules");
  gitIn(at, "push", "--quiet", "origin", helm.branch);
}

test("a submodule whose address a ship can read is filled for tasks and for verify.sh; another stays empty, is named, and stops nothing", async () => {
  await voyage(
    {
      id: "1",
      subject: "Read",
      rehearsal:
        "cp lib/shared.txt read.txt; git submodule status lib > status.txt; ls far gone > empty.txt; echo mine > lib/new",
    },
    { id: "2", subject: "Read again", rehearsal: "ls -A lib | tr '\\n' ' ' > again.txt" },
  );
  helm.verifyScript = "cat lib/shared.txt again.txt";
  addSubmodules({ lib: `${helm.url}/git/abc123`, far: "git@host.invalid:x.git", gone: "http://127.0.0.1:9/x.git" });
  expect(await ship.ended(ship.start())).toBe(0);
  expect(helm.row("1").reason).toMatch(/in the submodule lib files differ from its commit, and would not be delivered: new/);
  expect(helm.verified).toMatchObject({ exitCode: 0 });
  expect(helm.row("2")).toMatchObject({ status: "accepted", tries: 0 });
  expect(gitIn(helm.repo, "show", `${helm.branch}:again.txt`)).toBe(".git .gitignore shared.txt");
  for (const [file, text] of Object.entries({ "read.txt": /^one$/, "status.txt": /^.[0-9a-f]{40} lib/ }))
    expect(gitIn(helm.repo, "show", `refs/ships/ship-0/left-1-1:${file}`)).toMatch(text);
  expect(ship.output).toMatch(/the submodule far stays empty: its address in .gitmodules is none that a ship can read/);
  expect(ship.output.match(/the submodule gone stays empty: git fetch failed/g)).toHaveLength(1);
});
