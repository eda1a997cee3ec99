import { describe, expect, test } from "vitest";
import { judgeCommand, simpleCommands } from "../../crew/gates/git-rules.ts";

describe("a git command that leaves the ship's own tree or rewrites its history", () => {
  test.each([
    "git push",
    "cd /tmp && git push origin main",
    "git -C /tmp/x -c a=b push --force",
    "FOO=1 git push",
    "sudo -E git push",
    "env A=1 git push",
    "bash -lc 'git push origin HEAD'",
    'sh -c "cd x; git push"',
    "echo $(git push)",
    'echo "`git push`"',
    "if true; then git push; fi",
    "/usr/bin/git push",
    "git \\\n push",
    'eval "git push"',
    "find . | xargs git push",
    "git reset --hard HEAD~3",
    "git reset --hard origin/main",
    "git reset --soft abc1234",
    "git reset 0123456789abcdef",
    "git rebase -i HEAD~2",
    "git remote add x http://y",
    "git remote set-url origin http://y",
    "git config remote.origin.url http://y",
    "git config --global url.http://x.insteadOf http://y",
    "git update-ref refs/heads/main HEAD",
    "git filter-branch --all",
    "git checkout -B other",
    "git switch --orphan other",
  ])("is refused: %s", (command) => {
    expect(judgeCommand(command)).toMatch(/^Refused: a ship /);
  });
});

describe("what an agent needs", () => {
  test.each([
    "git status --short && git diff HEAD~1",
    "git add -A && git commit -m 'do not git push; it is late'",
    'grep -rn "git push" docs/',
    "echo git push",
    "git log --oneline -5 | cat",
    "git reset",
    "git reset --hard",
    "git reset --hard HEAD",
    "git reset HEAD shared.txt",
    "git reset -- shared.txt",
    "git checkout -- shared.txt",
    "git checkout -b mine",
    "git stash push",
    "git remote -v",
    "git remote show",
    "git config user.name",
    "git config user.name me",
    "npm test -- --push",
    "cat <<'X'\ngit is fine\nX",
  ])("is let through: %s", (command) => {
    expect(judgeCommand(command)).toBeNull();
  });
});

test("a shell line is taken apart as a shell does, as far as it matters", () => {
  expect(simpleCommands(`a "b c" 'd;e' f\\ g | h && i;j\nk`)).toEqual([["a", "b c", "d;e", "f g"], ["h"], ["i"], ["j"], ["k"]]);
  expect(simpleCommands("a '' b")).toEqual([["a", "", "b"]]);
});
