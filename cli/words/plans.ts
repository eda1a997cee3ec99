import type { Verb, VerbGroup } from "./verb.ts";

/** What is done to a plan's folder, before it sails. */
const PLAN: readonly Verb[] = [
  {
    usage: "check <folder>",
    summary: "find all that is wrong with a plan, with file, line and field, and what is probably not meant",
    examples: ["ocaptain plan check ./plan", "ocaptain plan check ./plan --strict --json | jq '.findings'"],
    options: [
      ["--strict", "warnings count as errors: exit status 1"],
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
];

/** The verbs about plans. */
export const PLANS: readonly VerbGroup[] = [
  {
    usage: "plan",
    summary: "check a plan before it sails, and see its graph",
    examples: ["ocaptain plan check ./plan", "ocaptain sail ./plan"],
    verbs: PLAN,
  },
];
