import { LAND_STATUS } from "./land-status.ts";
import type { Verb, VerbGroup } from "./verb.ts";

/** The verbs about what a voyage has made, from its branch to the captain's team. */
export const LANDING: readonly (Verb | VerbGroup)[] = [
  {
    usage: "land",
    summary: "bring the voyage's branch to where its repository came from, as a pull request",
    examples: ["ocaptain land", "ocaptain land voyage-abc --squash --ready", "ocaptain land voyage-abc --dry-run"],
    verbs: [
      {
        usage: "now [voyage]",
        isDefault: true,
        summary:
          "follow the base where it has moved on, push the verified branch, and open a draft pull request, or update the open one",
        examples: [
          "ocaptain land now voyage-abc",
          "ocaptain land voyage-abc --squash --ready --reviewer ann",
          "ocaptain land voyage-abc --stack --base release/2",
          "ocaptain land voyage-abc --push-only --remote git@git.example.com:ann/sea.git",
        ],
        options: [
          ["--unverified", "also a tip at which verify.sh has not succeeded; the pull request says so"],
          ["--no-update", "push the branch as it is, also where its base has moved on"],
          ["--branch <name>", "the branch to push to (default: ocaptain/VOYAGE)"],
          ["--base <branch>", "the branch to land in (default: the one from which the voyage began)"],
          ["--title <title>", "the pull request's title"],
          ["--reviewer <name...>", "who is asked for a review"],
          ["--label <name...>", "a label of the pull request"],
          ["--ready", "the pull request is no draft"],
          ["--push-only", "push, and make no pull request"],
          ["--per-task", "push the branch as it is, a commit a task (the default)"],
          ["--squash", "push one commit that holds all"],
          ["--stack", "a chain of pull requests, one for each wave of the plan's graph"],
          ["--merge", "have the forge merge it, where the forge's own rules allow it"],
          ["--allow-secret <fingerprint...>", "push this all the same, though it looks as if it should not leave"],
          ["--remote <address>", "the repository to land in (default: where the voyage's own came from)"],
          ["--timeout <time>", "how long a run of verify.sh is waited for (default: 1h)"],
          ["-w, --watch", "then tell what becomes of it, as land status --watch does"],
          ["--dry-run", "say what would happen, and change nothing"],
          ["-y, --yes", "do not ask"],
        ],
        isLong: true,
        run: async (io, [voyage], options) => (await import("../verbs/land.ts")).land(voyage, options, io),
      },
      {
        usage: "fix [voyage]",
        summary:
          "have the fleet mend what has come back of the pull request, failed checks and remarks of reviewers, and land it again",
        examples: ["ocaptain land fix voyage-abc", "ocaptain land fix --yes --no-wait"],
        options: [
          ["--from-anyone", "also what people say who may not write to the repository"],
          ["--no-wait", "add the tasks, and neither wait for them nor push"],
          ["--unverified", "push also where the plan has no verify.sh; the pull request says so"],
          ["--allow-secret <fingerprint...>", "push this all the same, though it looks as if it should not leave"],
          ["--rehearsal <command>", "the shell command that does each task where the hand is rehearsal"],
          ["--timeout <time>", "how long the fleet is waited for (default: 12h)"],
          ["-y, --yes", "do not ask"],
        ],
        isLong: true,
        run: async (io, [voyage], options) => (await import("../verbs/land-fix.ts")).landFix(voyage, options, io),
      },
      LAND_STATUS,
    ],
  },
  {
    usage: "diff [voyage]",
    summary: "show what the voyage has changed since it began, or what one task has, as a patch",
    examples: ["ocaptain diff --stat", "ocaptain diff voyage-abc --task 7", "ocaptain diff voyage-abc > voyage.patch"],
    options: [
      ["--task <id>", "only what this task has changed"],
      ["--stat", "only the files, and how many lines of each"],
    ],
    run: async (io, [voyage], options) => (await import("../verbs/diff.ts")).diff(voyage, options, io),
  },
  {
    usage: "blame [voyage]",
    summary:
      "find the task that breaks verify.sh, where it has failed at the tip: it is run at commits of the branch, by ships that are idle",
    examples: ["ocaptain blame", "ocaptain blame voyage-abc --good 12", "ocaptain blame --json --yes"],
    options: [
      ["--good <task>", "verify.sh passed after this task: only later ones are looked at"],
      ["--once", "do not run what was found once more, to see whether the answers are the same"],
      ["--anew", "ask also where earlier calls of blame have had an answer"],
      ["-y, --yes", "make a task of it for the fleet, without asking"],
      ["--no-follow-up", "make no task of it, and do not ask"],
    ],
    isLong: true,
    run: async (io, [voyage], options) => (await import("../verbs/blame.ts")).blame(voyage, options, io),
  },
  {
    usage: "left",
    summary: "look at what ships have written that is not on the voyage's branch: given back, rescued, put aside",
    examples: ["ocaptain left", "ocaptain left voyage-abc", "ocaptain left show lost/7/2"],
    verbs: [
      {
        usage: "list [voyage]",
        isDefault: true,
        summary: "show a row for each: its name, task, ship, age and size",
        examples: ["ocaptain left list", "ocaptain left list voyage-abc --json"],
        run: async (io, [voyage]) => (await import("../verbs/left.ts")).leftList(voyage, io),
      },
      {
        usage: "show <name> [voyage]",
        summary: "show what it changes, as a patch; of a mirror, its files",
        examples: ["ocaptain left show lost/7/2", "ocaptain left show ship-0/left-7-1 voyage-abc --stat"],
        options: [["--stat", "only the files, and how many lines of each"]],
        run: async (io, [name, voyage], options) =>
          (await import("../verbs/left.ts")).leftShow(String(name), voyage, options, io),
      },
      {
        usage: "take <name> [voyage]",
        summary: "make a folder of it: a clone in which it is checked out; of a mirror, its files",
        examples: ["ocaptain left take lost/7/2", "ocaptain left take lost/7/2 voyage-abc -d ~/rescued"],
        options: [["-d, --dest <folder>", "where to (default: ./VOYAGE-NAME)"]],
        run: async (io, [name, voyage], options) =>
          (await import("../verbs/left.ts")).leftTake(String(name), voyage, options, io),
      },
      {
        usage: "drop <names...>",
        summary: "delete it for good, after asking",
        examples: ["ocaptain left drop lost/7/2", "ocaptain left drop lost/7/2 lost/7/3 --voyage voyage-abc --yes"],
        options: [
          ["--voyage <voyage>", "the voyage, where there are several"],
          ["-y, --yes", "do not ask"],
        ],
        run: async (io, [names], options) =>
          (await import("../verbs/left.ts")).leftDrop(names as unknown as string[], options, io),
      },
    ],
  },
];
