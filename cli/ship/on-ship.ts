import { OcaptainError } from "../../lib/base/errors.ts";
import { spriteName } from "../../lib/base/naming.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { readVoyageProvider } from "../../lib/voyage/provider.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";

/**
 * Opens the way to a ship by the provider's exec, which wakes it.
 * @throws OcaptainError NOT_SAILING
 */
export async function onShip({ file, folder }: KnownVoyage, ship: string) {
  const { stack, voyageId } = file;
  const provider = await readVoyageProvider(folder);
  if (!provider) throw new OcaptainError("NOT_SAILING", `voyage "${stack}" is not at sea`, { hint: `pulumi up -s ${stack}` });
  const sprites = await openSprites({ ...provider, token: provider.token ?? process.env.SPRITE_TOKEN });
  const name = spriteName(stack, voyageId, ship);
  return { exec: (argv: readonly string[], timeoutMs: number) => sprites.exec(name, argv, { timeoutMs }) };
}
