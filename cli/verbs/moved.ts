import { OcaptainError } from "../../lib/base/errors.ts";

/**
 * `sail` and `sink`, verbs of the prior art, are Pulumi's here: `up` and `destroy` ask, preview and report by
 * themselves. The words fail with a hint, so that no script believes that it has sunk a fleet.
 */
export function moved(verb: "sail" | "sink", words: readonly string[]): never {
  const [word] = words;
  const hint =
    verb === "sail"
      ? `pulumi stack init voyage-abc && pulumi config set -s voyage-abc ocaptain:plan ${word ?? "plans/survey"} && pulumi up -s voyage-abc`
      : `pulumi destroy -s ${word ?? "voyage-abc"}`;
  throw new OcaptainError("USE_PULUMI", `ocaptain does not ${verb} by itself: that is Pulumi's`, { hint });
}
