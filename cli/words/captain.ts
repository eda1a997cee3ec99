import type { Verb } from "./verb.ts";

/** The verbs about the captain's own machine. */
export const CAPTAIN: readonly Verb[] = [
  {
    usage: "doctor",
    summary: "check tools, daemons, leftovers and settings: what is wrong, and the command that helps",
    examples: ["ocaptain doctor", "ocaptain doctor --json"],
    run: async (io) => (await import("../verbs/doctor.ts")).doctor(io),
  },
];
