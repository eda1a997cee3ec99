import type { Verb } from "./verb.ts";

/** The verb that asks the forge; it stands in the group of `land`. */
export const LAND_STATUS: Verb = {
  usage: "status [voyage]",
  summary:
    "ask the forge about the voyage's pull requests: checks, reviews, conflicts; status, the page and notices then know it",
  examples: [
    "ocaptain land status",
    "ocaptain land status voyage-abc --watch",
    "ocaptain land status --json | jq '.pulls[].checks'",
  ],
  options: [
    ["-w, --watch", "ask again and again, and tell each change, until all are merged or closed, or Ctrl-C"],
    ["--every <duration>", "how often a watch asks, at least 5s (default: 30s)"],
  ],
  isLong: true,
  run: async (io, [voyage], options) => (await import("../verbs/land-status.ts")).landStatus(voyage, options, io),
};
