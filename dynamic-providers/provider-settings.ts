import type { ProviderSettings } from "../lib/sprites/types.ts";
import type { Settings } from "./lifecycle.ts";

/**
 * How to reach the provider that a resource records. The token comes from the stack's secrets, else from SPRITE_TOKEN (design 15);
 * SPRITES_API_URL is the vendor's own variable for another base URL (facts: sprites §12).
 */
export function providerSettings(settings: Settings, kind: "harbor" | "sprites"): ProviderSettings {
  if (kind === "harbor") return { kind, unconfined: settings.unconfined === "true" };
  return { kind, baseUrl: process.env.SPRITES_API_URL || undefined, token: settings.spritesToken ?? process.env.SPRITE_TOKEN };
}
