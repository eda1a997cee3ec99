import { createHash } from "node:crypto";
import { OcaptainError } from "../lib/base/errors.ts";
import type { ProviderKind, TailnetKind } from "../lib/protocol/choices.ts";
import { crewDigest } from "../lib/ship/crew-pack.ts";
import { readTailnetSettings, type TailnetConfig } from "../lib/tailnet/control/settings.ts";
import { captainArch, tailscaleParts } from "../lib/tailnet/node/parts.ts";

/**
 * Reads what the program must know of a voyage's tailnet. `digest` stands for all files that are put on ships for the
 * tailnet; when it changes, each ship's node is updated.
 * @throws OcaptainError NO_TAILNET, TAILSCALE_MISSING
 */
export async function shipTailnet(
  config: TailnetConfig & { provider: ProviderKind },
): Promise<{ control: TailnetKind; digest: string }> {
  const { settings, findings } = readTailnetSettings(config);
  if (!settings) throw new OcaptainError("NO_TAILNET", `${findings[0]?.what} ${findings[0]?.message}`);
  const { version } = await tailscaleParts(config.provider === "sprites" ? "amd64" : captainArch());
  const digest = createHash("sha256")
    .update(JSON.stringify([version, await crewDigest("tailnet/")]))
    .digest("hex")
    .slice(0, 16);
  return { control: settings.kind, digest };
}
