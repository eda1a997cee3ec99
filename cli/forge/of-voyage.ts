import { settingIn, settingsFile } from "../../lib/voyage/settings-file.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import type { Forge } from "./forge.ts";
import { openForge } from "./open.ts";

/**
 * Opens the forge on which a voyage lands, with what the captain says of it: OCAPTAIN_FORGE, or `ocaptain:forge` in the
 * configuration of its stack.
 */
export const openForgeOf = (
  voyage: Pick<KnownVoyage, "file">,
  ask: { origin: string; signal?: AbortSignal | undefined },
): Promise<Forge | null> => openForge({ ...ask, forge: forgeSettingOf(voyage), env: process.env });

function forgeSettingOf({ file: { stack, sailedFrom } }: Pick<KnownVoyage, "file">): string | undefined {
  if (process.env.OCAPTAIN_FORGE) return process.env.OCAPTAIN_FORGE;
  if (!sailedFrom) return undefined;
  return settingIn(sailedFrom.settings ?? settingsFile(sailedFrom.project, stack), "forge") || undefined;
}
