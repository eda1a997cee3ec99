import { ASKING } from "./telemetry-asking.ts";
import type { VerbGroup } from "./verb.ts";

/** The verbs about telemetry. */
export const TELEMETRY: VerbGroup = {
  usage: "telemetry",
  summary: "ask what fleets have cost, and on what: ready reports, or SQL of your own (docs/telemetry.md)",
  examples: ["ocaptain telemetry cost", "ocaptain telemetry waste voyage-abc", "ocaptain telemetry query 'DESCRIBE logs'"],
  verbs: ASKING,
};
