import { OcaptainError } from "../../lib/base/errors.ts";
import type { ProviderKind } from "../../lib/protocol/choices.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { assertMeant, type Organisation, organisationOfToken } from "../../lib/sprites/organisation.ts";
import type { ProviderSettings, SpritesClient } from "../../lib/sprites/types.ts";
import { readVoyageIdentity } from "../../lib/voyage/identity.ts";
import type { Settings } from "../lifecycle.ts";

/**
 * How to reach the provider that a resource records. The token comes from the stack's secrets, else from SPRITE_TOKEN
 * (docs/design.md#secrets); SPRITES_API_URL is the vendor's own variable for another base URL.
 */
export function providerSettings(settings: Settings, kind: ProviderKind): ProviderSettings {
  if (kind === "harbor") return { kind, unconfined: settings.unconfined === "true" };
  return { kind, baseUrl: process.env.SPRITES_API_URL || undefined, token: settings.spritesToken ?? process.env.SPRITE_TOKEN };
}

/** A voyage's provider. `organisation` is what the state records, for when the captain's folder is gone. */
type Of = { stack: string; provider: ProviderKind; organisation?: Organisation | undefined };

/**
 * Opens the provider that made a voyage's ships, with a token of the organisation in which they were made. Every look
 * and every deletion goes through here, because another organisation answers "not found" for all of them.
 * @throws OcaptainError ANOTHER_ORGANISATION
 */
export async function spritesOf(settings: Settings, of: Of): Promise<SpritesClient> {
  const provider = providerSettings(settings, of.provider);
  if (provider.kind === "harbor") return openSprites(provider);
  assertMeant(settings.spritesOrg ?? process.env.OCAPTAIN_SPRITES_ORG, organisationOfToken(provider.token));
  const file = await readVoyageIdentity(of.stack).catch((error: unknown) => {
    // The state knows the organisation, so a broken file does not matter.
    if (error instanceof OcaptainError && of.organisation) return null;
    throw error;
  });
  const made = of.organisation ?? (file && !file.sunkAt ? file.organisation : undefined);
  return openSprites({ ...provider, organisation: made });
}
