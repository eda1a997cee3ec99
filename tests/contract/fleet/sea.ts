import type { SpriteInfo, SpritesClient } from "../../../lib/sprites/types.ts";

/** The provider's side, looked at and changed behind the engine's back. */
export function openSea(sprites: SpritesClient, prefix: string, nonce: string) {
  const ours = (sprite: SpriteInfo) => sprite.labels.includes(`nonce-${nonce}`);
  const look = async () => {
    const found = await Promise.all((await sprites.list(prefix)).map((name) => sprites.get(name)));
    return new Map(found.filter((sprite) => sprite !== null).map((sprite) => [sprite.name, sprite]));
  };
  return {
    ours,
    /** All that is there, by name. */
    look,
    vanish: (name: string) => sprites.remove(name),
    /** Gone, and there again with these labels: another incarnation. */
    async replace(name: string, labels: string[]): Promise<SpriteInfo> {
      await sprites.remove(name);
      return sprites.create(name, labels);
    },
  };
}

/** What a read may not change: who is there, whose they are, and that the sleeping sleep. */
export function untouched(before: Map<string, SpriteInfo>, after: Map<string, SpriteInfo>): boolean {
  const same = ([name, was]: [string, SpriteInfo]) => {
    const is = after.get(name);
    return is?.id === was.id && is.labels.join() === was.labels.join() && !(is.status === "running" && was.status !== "running");
  };
  return before.size === after.size && [...before].every(same);
}
