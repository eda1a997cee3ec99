import { ASKING } from "./telemetry-asking.ts";
import type { Verb, VerbGroup } from "./verb.ts";

const START: Verb = {
  usage: "start",
  summary:
    "take telemetry (OTLP) of any program of yours, without a voyage, and print what such a program needs in its environment",
  examples: [
    "ocaptain telemetry start",
    'eval "$(ocaptain telemetry start --token)"',
    "ocaptain telemetry start --port 4319 --json",
  ],
  options: [
    ["--port <number>", "where on loopback; default is 4318, at which programs look for it"],
    ["--token", "take it only with a token, which is made anew and printed; by default each program of this machine may send"],
  ],
  run: async (io, _words, options) => (await import("../verbs/telemetry.ts")).telemetryStart(options, io),
};

const STOP: Verb = {
  usage: "stop",
  summary: "take no more telemetry of programs that are on no ship; what has come stays, and voyages' ships go on",
  examples: ["ocaptain telemetry stop", "ocaptain telemetry stop --json"],
  run: async (io) => (await import("../verbs/telemetry.ts")).telemetryStop(io),
};

const STATUS: Verb = {
  usage: "status",
  summary: "what has come, of which voyage, what was dropped and why, and what it takes on disk",
  examples: ["ocaptain telemetry status", "ocaptain telemetry status --json | jq '.folders'"],
  run: async (io) => (await import("../verbs/telemetry-status.ts")).telemetryStatus(io),
};

/** The verbs about telemetry. */
export const TELEMETRY: VerbGroup = {
  usage: "telemetry",
  summary: "what programs tell of themselves by OTLP, and what fleets have cost: take it in, ask it (docs/telemetry.md)",
  examples: ["ocaptain telemetry cost", "ocaptain telemetry query 'DESCRIBE logs'", "ocaptain telemetry status"],
  verbs: [STATUS, START, STOP, ...ASKING],
};

/** The same by the words of the Python tool, which people type; help does not list them. */
export const TELEMETRY_ALIASES: readonly Verb[] = [
  { ...START, usage: "telemetry-start" },
  { ...STOP, usage: "telemetry-stop" },
];
