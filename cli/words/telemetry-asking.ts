import type { Verb } from "./verb.ts";

const CSV = ["--csv", "print CSV"] as const;
const BY = ["--by <what>", "voyage, ship, task, model, hour, day; several with commas"] as const;
const listOf = (words: unknown) => (words ?? []) as string[];

/** What is asked of telemetry and ledgers, below `ocaptain telemetry`. */
export const ASKING: readonly Verb[] = [
  {
    usage: "query <sql>",
    summary:
      "answer a SELECT over logs, metrics and spans (telemetry), and voyages, runs, spend, tasks and events (ledgers), also of voyages that have sunk",
    examples: [
      "ocaptain telemetry query 'DESCRIBE logs'",
      `ocaptain telemetry query "SELECT ship, sum(cost_usd) FROM spend GROUP BY ship" --voyage voyage-abc`,
      `ocaptain telemetry query "FROM logs WHERE name = 'claude_code.api_error'" --json | jq '.[].attributes'`,
      `ocaptain telemetry query "FROM spend" --csv > spend.csv`,
    ],
    options: [
      ["--voyage <voyages>", "only of this voyage, or of several with commas; default is all, and your other programs"],
      ["--captain", "only of your programs that are on no ship"],
      CSV,
      ["--timeout <duration>", "how long it may take: 30s, 10m (default 60s)"],
    ],
    run: async (io, [sql], options) => (await import("../verbs/telemetry-query.ts")).telemetryQuery(String(sql), options, io),
  },
  {
    usage: "cost [voyages...]",
    summary: "what was spent, by ship, task, model and hour, and whether that is reported, derived or unknown",
    examples: [
      "ocaptain telemetry cost voyage-abc",
      "ocaptain telemetry cost --by day --csv",
      "ocaptain telemetry cost --json | jq '.total'",
    ],
    options: [BY, CSV],
    run: async (io, [names], options) => (await import("../verbs/telemetry-reports.ts")).cost(listOf(names), options, io),
  },
  {
    usage: "tokens [voyages...]",
    summary: "the tokens that models read and wrote, and how many of them came from caches",
    examples: ["ocaptain telemetry tokens voyage-abc", "ocaptain telemetry tokens --by ship,hour"],
    options: [BY, CSV],
    run: async (io, [names], options) => (await import("../verbs/telemetry-reports.ts")).tokens(listOf(names), options, io),
  },
  {
    usage: "tools [voyages...]",
    summary: "the tools that agents used: how often, how often in vain, and how long that took",
    examples: ["ocaptain telemetry tools voyage-abc", "ocaptain telemetry tools --csv"],
    options: [CSV],
    run: async (io, [names], options) => (await import("../verbs/telemetry-reports.ts")).tools(listOf(names), options, io),
  },
  {
    usage: "worth [voyages...]",
    summary: "a row a voyage: US dollars for each accepted and each verified task, and how many came to nothing",
    examples: ["ocaptain telemetry worth", "ocaptain telemetry worth voyage-abc voyage-def --json"],
    options: [CSV],
    run: async (io, [names], options) => (await import("../verbs/telemetry-reports.ts")).worth(listOf(names), options, io),
  },
  {
    usage: "waste [voyages...]",
    summary: "what was spent on claims that came to nothing (failed, given back, released, asked, lost with a ship), and why",
    examples: ["ocaptain telemetry waste voyage-abc", "ocaptain telemetry waste --json | jq '.causes'"],
    options: [CSV],
    run: async (io, [names], options) => (await import("../verbs/telemetry-reports.ts")).waste(listOf(names), options, io),
  },
];
