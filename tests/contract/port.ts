import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as host from "../../dynamic-providers/host.ts";
import { ensureHarbor, stopHarbor } from "../../lib/harbor-daemon.ts";
import { openSprites } from "../../lib/sprites/client.ts";

/**
 * A harbor for a contract test, driven as sprites.dev would be: by base URL and token only. With SPRITES_API_URL and SPRITE_TOKEN set the
 * same file runs against the live service (faults are then skipped): that is what keeps the harbor honest.
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
    /** These faults and no others. */
    async faults(...faults: object[]): Promise<void> {
      for (const request of [{ method: "DELETE" }, { method: "POST", body: JSON.stringify({ faults }) }]) {
        const headers = { authorization: `Bearer ${token}` };
        const reply = await fetch(`${url}/__harbor/faults`, { ...request, headers, signal: AbortSignal.timeout(5000) });
        if (!reply.ok) throw new Error(`faults: ${reply.status} ${await reply.text()}`);
      }
    },
    async close(): Promise<void> {
      if (!live) await stopHarbor();
      for (const name of ["SPRITES_API_URL", "SPRITE_TOKEN", "OCAPTAIN_HOME", "OCAPTAIN_VOYAGES"]) delete process.env[name];
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The sprite resource as the engine drives it, without the engine: check, create, read, update and delete of the host module. */
export function spriteResource(name: string, nonce = "mine") {
  const inputs = (more = {}) => ({
    stack: "quay",
    voyageId: "abc123",
    ship: "ship-0",
    name,
    provider: "sprites",
    nonce,
    crewDigest: "one",
    ...more,
  });
  return {
    inputs,
    create: (more = {}) =>
      host.create("sprite", {}, inputs(more) as never) as Promise<{
        id: string;
        outs: Record<string, unknown> & { stack: string };
      }>,
    read: (props: object) =>
      host.read("sprite", {}, name, props as never) as Promise<{
        id?: string;
        props?: Record<string, unknown> & { stack: string };
      }>,
    update: (olds: object, more = {}) =>
      host.update("sprite", {}, olds as never, inputs(more) as never) as Promise<{
        outs: Record<string, unknown> & { stack: string };
      }>,
    diff: (olds: object, more = {}) => host.diff("sprite", {}, olds as never, inputs(more) as never),
    remove: (props: object) => host.remove("sprite", {}, props as never),
  };
}
