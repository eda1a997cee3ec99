import { NOTICE_EVENTS } from "../../lib/notices/events.ts";
import type { VerbGroup } from "./verb.ts";

/** The verbs about the captain's notices. */
export const NOTIFY: VerbGroup = {
  usage: "notify",
  summary: "notices of what needs you (ocaptain:notify): send a test, or see what was sent",
  examples: ["ocaptain notify test", "ocaptain notify log voyage-abc"],
  verbs: [
    {
      usage: "test [voyage]",
      summary: "send a test to every target that the last up has set, and say what became of it; exit status 1 when one got none",
      examples: ["ocaptain notify test", "ocaptain notify test voyage-abc --event verified --json"],
      options: [
        ["--event <event>", `the event that it looks like (default task-asked): ${Object.keys(NOTICE_EVENTS).join(", ")}`],
      ],
      run: async (io, [voyage], options) => (await import("../verbs/notify.ts")).notifyTest(voyage, options, io),
    },
    {
      usage: "log [voyage]",
      summary: "show the newest notices: what was sent to which target, what waits, and what failed",
      examples: [
        "ocaptain notify log",
        "ocaptain notify log voyage-abc --json | jq '.notices[] | select(.status == \"failed\")'",
      ],
      run: async (io, [voyage]) => (await import("../verbs/notify.ts")).notifyLog(voyage, io),
    },
  ],
};
