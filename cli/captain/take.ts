import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { OcaptainError } from "../../lib/base/errors.ts";
import { spritePrefix } from "../../lib/base/naming.ts";
import { acquireOsLock } from "../../lib/base/os-lock.ts";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { inDotEnv } from "../../lib/base/secret-hints.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import type { SpritesClient } from "../../lib/sprites/types.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { type VoyageIdentity, writeVoyageIdentityAt } from "../../lib/voyage/identity.ts";
import { captainLabel, labelsOf, voyageLabels } from "../../lib/voyage/labels.ts";
import { readVoyageProvider } from "../../lib/voyage/provider.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";

/** The longest wait for a helm that has the same folder, and looks into it every 10 s. */
const LET_GO_MS = 45_000;

/** The captain from whom a voyage is taken, also when that was cut off; null when it was this captain's all along. */
export async function takenFrom({ captainId: captain, takenFrom }: VoyageIdentity): Promise<string | null> {
  return captain === (await captainId()) ? (takenFrom ?? null) : captain;
}

/** When the folder's ledger was last written: what the other captain has accepted since then is not in a copy. */
export function lastWritten(folder: VoyageFolder): Date | null {
  const times = [folder.ledger, `${folder.ledger}-wal`].flatMap((file) => {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat ? [stat.mtimeMs] : [];
  });
  return times.length > 0 ? new Date(Math.max(...times)) : null;
}

/**
 * Marks a voyage as this captain's, in its folder and on its VMs, and returns when no other helm has its ledger. From
 * then on the other captain's machine does nothing for it: a helm with the same folder lets go when it reads that, one
 * with a folder of its own when it looks at a VM, which it does before it wakes one; and each `up` from there is
 * refused. It may be done again.
 *
 * @param said tells what is waited for
 * @returns how many VMs were marked
 * @throws OcaptainError STILL_HELD, or what the provider says
 */
export async function takeFolder({ file, folder }: KnownVoyage, from: string, said: (text: string) => void): Promise<number> {
  const me = await captainId();
  const sprites = await providerOf(folder);
  await writeVoyageIdentityAt(folder.root, { ...file, captainId: me, takenFrom: from });
  let marked = 0;
  for (const name of await sprites.list(spritePrefix(file.stack, file.voyageId))) {
    said(`marking ${name} …`);
    const live = await sprites.get(name);
    if (!live || !voyageLabels(file).every((label) => live.labels.includes(label))) continue;
    if (!live.labels.includes(captainLabel(me))) await sprites.setLabels(name, labelsOf(live.labels, me));
    marked++;
  }
  await freeLedger(folder, said);
  return marked;
}

/** Opens the provider as the last `up` told the helm, or as the environment says. */
async function providerOf(folder: VoyageFolder): Promise<SpritesClient> {
  const kept = await readVoyageProvider(folder);
  if (kept) return openSprites(kept);
  const token = process.env.SPRITE_TOKEN;
  if (token) return openSprites({ kind: "sprites", baseUrl: process.env.SPRITES_API_URL || undefined, token });
  throw new OcaptainError("NO_PROVIDER", `how its ships are reached is neither in ${folder.credentials} nor in the environment`, {
    hint: `${inDotEnv("SPRITE_TOKEN")}, for ships at sprites.dev, then again; ships of a harbor stay on their machine`,
  });
}

/** Waits until no helm has the ledger. */
async function freeLedger(folder: VoyageFolder, said: (text: string) => void): Promise<void> {
  const lock = await acquireOsLock(`${folder.ledger}.lock`, {
    timeoutMs: LET_GO_MS,
    onWait: () => said("waiting until the other captain's helm lets go of the ledger …"),
  }).catch(async (cause: unknown) => {
    if (!(cause instanceof OcaptainError && cause.code === "LOCKED")) throw cause;
    const holder = await readFile(`${folder.ledger}.holder`, "utf8").catch(() => "");
    throw new OcaptainError("STILL_HELD", `another helm has ${folder.ledger}, and does not let go of it: ${holder.trim()}`, {
      hint: "end that process, then take it again",
      cause,
    });
  });
  lock.release();
}
