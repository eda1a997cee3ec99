import type { PreflightFinding } from "../base/finding.ts";
import { shellWord } from "../base/shell-word.ts";
import type { VoyageIdentity } from "../voyage/identity.ts";
import { settingIn } from "../voyage/settings-file.ts";

/**
 * Finds out whether a run without a plan is one of a voyage that has a plan, by settings which this run does not read:
 * those of another project's folder. Without this the voyage would become a sail without a plan.
 */
export function settingsElsewhere({ stack, sailedFrom }: VoyageIdentity): PreflightFinding | null {
  if (!sailedFrom?.settings || !settingIn(sailedFrom.settings, "plan")) return null;
  const { project, settings, byOcaptain } = sailedFrom;
  return {
    what: "ocaptain:plan",
    message: `is not set here; voyage "${stack}" sails with a plan, by the settings in ${settings}, from ${project}`,
    hint: byOcaptain
      ? `ocaptain sail ${stack}`
      : `pulumi -C ${shellWord(project)} up -s ${stack} --config-file ${shellWord(settings)}`,
  };
}
