import { describe, expect, test } from "vitest";
import { gitIn } from "../support/git.ts";
import { helm, ship, voyage } from "./stand-in-voyage.ts";

const inRepo = (...args: string[]) => gitIn(helm.repo, ...args);
const files = () => inRepo("ls-tree", "--name-only", helm.branch).split("\n");
/** The command of another task, which delivers a file of its own and a change of one that all have. */
const theirs = { id: "1", subject: "Theirs", rehearsal: "echo theirs > theirs.txt; echo two >> shared.txt" };

describe("a hand that moves HEAD off the commit that its task began from", () => {
  test.each([
    ["checks out an older commit", "git checkout -q HEAD~1; echo mine > mine.txt"],
    ["commits there", "git checkout -q HEAD~1; echo mine > mine.txt; git add mine.txt; git commit -qm mine"],
    ["begins a branch there", "git checkout -q -b mine HEAD~1; echo mine > mine.txt; git add mine.txt; git commit -qm mine"],
    [
      "resets to it",
      "echo mine > mine.txt; git add mine.txt; git commit -qm mine; git reset -q --hard HEAD~2; echo mine > mine.txt",
    ],
    ["resets HEAD alone", "echo mine > mine.txt; git reset -q --soft HEAD~1"],
    ["amends that commit", "echo mine > mine.txt; git add mine.txt; git commit -q --amend --no-edit"],
    ["begins a history of its own", "git checkout -q --orphan new; echo mine > mine.txt"],
  ])("and %s: nothing accepted is undone, the try fails, and what its reason says brings all together", async (_, moves) => {
    await voyage(theirs, { id: "2", subject: "Mine", rehearsal: moves });
    expect(await ship.ended(ship.start())).toBe(0);
    const { tip } = helm;
    const { status, tries, reason } = helm.row("2");
    expect({ status, tries, reason }).toMatchObject({ status: "blocked", tries: 1 });
    expect(reason).toMatch(/^HEAD was moved: it is at (\w+ \((seed|mine|Theirs)\)|no commit) and does not hold /);
    expect(reason).toContain(`does not hold ${tip.slice(0, 10)}, on which`);
    expect(files()).toEqual([".gitignore", "shared.txt", "theirs.txt"]);
    expect(helm.count("accept")).toBe(1);

    const [, remedy] = /\n\n {2}(git .*)\n\n/.exec(reason)!;
    Object.assign(helm.row("2"), { status: "pending", rehearsal: `${moves}\n${remedy}` });
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.row("2").status, helm.row("2").reason).toBe("accepted");
    expect(files()).toEqual([".gitignore", "mine.txt", "shared.txt", "theirs.txt"]);
    expect(inRepo("show", `${helm.branch}:shared.txt`)).toBe("one\ntwo");
    expect(inRepo("rev-parse", `${helm.branch}^`)).toBe(tip);
  });

  test("and comes back, or takes files of an older commit, or merges, is let be", async () => {
    await voyage(
      theirs,
      { id: "2", subject: "Look", rehearsal: "git checkout -q HEAD~1; git checkout -q -; echo 2 > 2.txt" },
      { id: "3", subject: "Take back", rehearsal: "git checkout -q HEAD~2 -- shared.txt" },
      {
        id: "4",
        subject: "Merge",
        rehearsal: `git checkout -q -b side; echo 4 > 4.txt; git add 4.txt; git commit -qm 4
          git checkout -q ship-0; git commit -q --allow-empty -m own; git merge -q --no-edit side; git branch -qD side`,
      },
    );
    expect(await ship.ended(ship.start())).toBe(0);
    expect(helm.rows.map((row) => row.status)).toEqual(["accepted", "accepted", "accepted", "accepted"]);
    expect(files()).toEqual([".gitignore", "2.txt", "4.txt", "shared.txt", "theirs.txt"]);
    expect(inRepo("show", `${helm.branch}:shared.txt`)).toBe("one");
  });
});
