import { OcaptainError } from "../../lib/base/errors.ts";

/**
 * `sail` and `sink` of the prior art are Pulumi's here, and not wrapped: `up` and `destroy` ask, preview and report by themselves. The words are
 * known all the same, and fail, so that no script believes that it has sunk a fleet.
 */
export function moved(verb: "sail" | "sink", words: readonly string[]): never {
  const [word] = words;
  const hint =
    verb === "sail"
      ? `pulumi stack init NAME; pulumi config set ocaptain:plan ${word ?? "PLAN"}; pulumi up`
      : `pulumi destroy -s ${word ?? "NAME"}`;
  throw new OcaptainError("USE_PULUMI", `ocaptain does not ${verb} by itself: that is Pulumi's`, { hint });
}
