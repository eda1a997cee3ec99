import type { SpriteInfo, SpritesClient } from "../../../lib/sprites/types.ts";

/** Opens the provider's side of a fleet, to look at it and change it behind the engine's back. */
export function openSea(sprites: SpritesClient, prefix: string, nonce: string) {
  const ours = (sprite: SpriteInfo) => sprite.labels.includes(`nonce-${nonce}`);
  const look = async () => {
    const found = await Promise.all((await sprites.list(prefix)).map((name) => sprites.get(name)));
    return new Map(found.filter((sprite) => sprite !== null).map((sprite) => [sprite.name, sprite]));
  };
  return {
    ours,
    /** Resolves to all VMs that are there, by name. */
    look,
    vanish: (name: string) => sprites.remove(name),
    /** Removes a VM and makes it again with these labels, as another incarnation. */
    async replace(name: string, labels: string[]): Promise<SpriteInfo> {
      await sprites.remove(name);
      return sprites.create(name, labels);
    },
  };
}

/** Whether a read changed nothing: the same VMs are there, with the same labels, and none that slept has been woken. */
export function untouched(before: Map<string, SpriteInfo>, after: Map<string, SpriteInfo>): boolean {
  const same = ([name, was]: [string, SpriteInfo]) => {
    const is = after.get(name);
    return is?.id === was.id && is.labels.join() === was.labels.join() && !(is.status === "running" && was.status !== "running");
  };
  return before.size === after.size && [...before].every(same);
}
