import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureHarbor, knownHarbor, stopHarbor } from "../../../lib/daemons/harbor.ts";
import { openSprites } from "../../../lib/sprites/client.ts";
import { setHarborFaults } from "../harbor-faults.ts";

/**
 * Opens a harbor for a contract test, driven as sprites.dev would be: by base URL and token only. With SPRITES_API_URL
 * and SPRITE_TOKEN set, the same test runs against the live service, without faults: that is what keeps the harbor
 * honest.
 */
export async function openPort() {
  const folder = await mkdtemp(join(tmpdir(), "ok-"));
  Object.assign(process.env, { OCAPTAIN_HOME: join(folder, "h"), OCAPTAIN_VOYAGES: join(folder, "v") });
  const live = Boolean(process.env.SPRITES_API_URL && process.env.SPRITE_TOKEN);
  if (!live) {
    const harbor = await ensureHarbor({ latency: "none" });
    Object.assign(process.env, { SPRITES_API_URL: harbor.url, SPRITE_TOKEN: harbor.token });
  }
  const [url, token] = [process.env.SPRITES_API_URL as string, process.env.SPRITE_TOKEN as string];
  return {
    live,
    sprites: await openSprites({ kind: "sprites", baseUrl: url, token }),
    /** Sets these faults, and clears all others. */
    faults(...faults: object[]): Promise<void> {
      const at = live ? { url, token } : (knownHarbor() ?? { url, token }); // It may be another harbor by now.
      return setHarborFaults(at, ...faults);
    },
    async close(): Promise<void> {
      if (!live) await stopHarbor();
      for (const name of ["SPRITES_API_URL", "SPRITE_TOKEN", "OCAPTAIN_HOME", "OCAPTAIN_VOYAGES"]) delete process.env[name];
      await rm(folder, { recursive: true, force: true });
    },
  };
}
