import type { Verb, VerbGroup } from "./verb.ts";

/** What is done to a plan's folder, before it sails. */
const PLAN: readonly Verb[] = [
  {
    usage: "check <folder>",
    summary: "find all that is wrong with a plan, with file, line and field, and what is probably not meant",
    examples: ["ocaptain plan check ./plan", "ocaptain plan check ./plan --strict --json | jq '.findings'"],
    options: [
      ["--strict", "warnings count as errors: exit status 1"],
      ["--fix", "first mend what has one right way only (counts, blocks by blockedBy, line ends, ids), and say each thing"],
      ["--repo <repository>", "another repository than the plan's: a URL, owner/name on GitHub, or a path"],
      ["--base <name>", "the branch, tag or commit that the voyage is to begin from"],
    ],
    run: async (io, [folder], options) => (await import("../verbs/plan-check.ts")).planCheck(String(folder), options, io),
  },
  {
    usage: "show <folder>",
    summary: "show a plan's graph: waves, critical path, how long it takes with 1, 2, … ships, and how many are worth it",
    examples: [
      "ocaptain plan show ./plan",
      "ocaptain plan show ./plan --svg plan.svg",
      "ocaptain plan show ./plan --dot | dot -Tpng > plan.png",
      "ocaptain plan show ./plan --json | jq '.recommended'",
    ],
    options: [
      ["--svg <file>", "also draw the graph into this file"],
      ["--mermaid", "print the graph for Mermaid, which GitHub shows in Markdown"],
      ["--dot", "print the graph for Graphviz"],
    ],
    run: async (io, [folder], options) => (await import("../verbs/plan-show.ts")).planShow(String(folder), options, io),
  },
  {
    usage: "new <folder>",
    summary: "begin a plan: an example of three tasks that sails as it is, to be written over; overwrites nothing",
    examples: ["ocaptain plan new plans/login", "ocaptain plan new ./plan --repo owner/name"],
    options: [["--repo <repository>", "the repository of the plan; default is the one that the folder lies in"]],
    run: async (io, [folder], options) => (await import("../verbs/plan-new.ts")).planNew(String(folder), options, io),
  },
  {
    usage: "add <folder> <subject>",
    summary: "add a task with the next free id to a plan, and print its file; refuses what would break the plan",
    examples: [
      "ocaptain plan add ./plan 'Write the login form' --after 1,2 --check 'npm test -- login'",
      "ocaptain plan add ./plan 'Document it' --description 'All options, with an example each.' --touches 'docs/**,README.md'",
    ],
    options: [
      ["--after <ids>", "the tasks that it waits for: 1,2"],
      ["--description <text>", "all that who does it must know; default is the subject"],
      ["--check <command>", "the shell command that must succeed before the task is accepted"],
      ["--touches <globs>", "what it writes: 'src/auth/**,README.md'"],
      ["--estimate <minutes>", "how long it takes"],
    ],
    run: async (io, [folder, subject], options) =>
      (await import("../verbs/plan-add.ts")).planAdd(String(folder), String(subject), options, io),
  },
  {
    usage: "rehearse <folder>",
    summary: "sail a plan on the harbor by its rehearsals, in a voyage that is thrown away, and tell how it unfolded",
    examples: ["ocaptain plan rehearse ./plan", "ocaptain plan rehearse ./plan -n 4 --json | jq '.tasks'"],
    options: [["-n, --ships <number>", "how many ships; default is the number that plan show recommends, at most 4"]],
    run: async (io, [folder], options) => (await import("../verbs/plan-rehearse.ts")).planRehearse(String(folder), options, io),
  },
  {
    usage: "import <source>",
    summary:
      "make a plan of a list of tasks in another tool's format: a folder or file of it, owner/name on GitHub, or - for stdin (beads)",
    examples: [
      "ocaptain plan import --from spec-kit specs/001-login",
      "ocaptain plan import --from openspec openspec/changes/add-login --parallel",
      "ocaptain plan import --from task-master . --tag master --out plans/login",
      "bd export | ocaptain plan import --from beads -",
      "ocaptain plan import --from backlog .",
      "ocaptain plan import --from github owner/name --label ready --milestone 'Version 2'",
    ],
    options: [
      ["--from <format>", "spec-kit, openspec, task-master, beads, backlog or github"],
      ["--out <folder>", "where the plan is written; it must not be there yet (default: plans/NAME)"],
      ["--parallel", "guess no order where the source states none: between stories, in a group, between unlinked tasks"],
      ["--repo <repository>", "the repository of the plan, where it is not the source's"],
      ["--tag <name>", "task-master: which list of the file"],
      ["--label <name>", "github: only issues with this label, and their sub-issues"],
      ["--milestone <title>", "github: only issues of this milestone, by its title or number"],
    ],
    run: async (io, [source], options) => (await import("../verbs/plan-import.ts")).planImport(String(source), options, io),
  },
  {
    usage: "done [voyage]",
    summary:
      "say in the list from which a plan was imported what the voyage has done: on the branch VOYAGE-done, as a patch, or as commands",
    examples: ["ocaptain plan done voyage-abc", "ocaptain plan done voyage-abc --out done.patch"],
    options: [["--out <file>", "write a patch to this file, and make no branch"]],
    run: async (io, [voyage], options) => (await import("../verbs/plan-done.ts")).planDone(voyage, options, io),
  },
];

/** The verbs about plans. */
export const PLANS: readonly VerbGroup[] = [
  {
    usage: "plan",
    summary:
      "begin a plan, or make one of a list of tasks that you have; check it, see its graph, and rehearse it before it sails",
    examples: [
      "ocaptain plan new ./plan",
      "ocaptain plan check ./plan",
      "ocaptain plan import --from spec-kit specs/001-login",
      "ocaptain sail ./plan",
    ],
    verbs: PLAN,
  },
];
