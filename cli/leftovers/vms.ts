import { OcaptainError, withCause } from "../../lib/base/errors.ts";
import { acquireOsLock } from "../../lib/base/os-lock.ts";
import { hasWork } from "../../lib/ship/has-work.ts";
import type { SpriteInfo, SpritesClient } from "../../lib/sprites/types.ts";
import { captainsOf, nonceLabel, VOYAGE_LABEL } from "../../lib/voyage/labels.ts";
import { fetchWork } from "./fetch.ts";
import type { Leftover } from "./leftover.ts";
import { type Ours, readOurs } from "./ours.ts";

/** A provider that was opened. Every VM of the harbor is made on this machine; an account may have several captains. */
export type Provider = { name: "harbor" | "sprites.dev"; sprites: SpritesClient };

const SHIP = /^(.+)-([0-9a-f]{6})-ship-\d{1,3}$/;

/**
 * `stacks` lists the stacks that have resources, of which one may have lost its folder; null where Pulumi lists none.
 * `mayWake`: whether a VM may be woken to see whether it holds work.
 */
export type Asking = { stacks: () => Promise<ReadonlySet<string> | null>; mayWake: boolean };

/**
 * Finds the VMs of this captain that belong to no voyage at sea. A VM is this captain's by its labels: the nonce of a
 * voyage that is known here, or the captain's own id. One with neither is somebody else's, and is not told of.
 */
export async function leftVms({ name: where, sprites }: Provider, ours: Ours, { stacks, mayWake }: Asking): Promise<Leftover[]> {
  const left: Leftover[] = [];
  for (const name of await sprites.list("")) {
    const [, stack, id] = SHIP.exec(name) ?? [];
    if (!stack || !id || ours.standing(id) === "at sea" || ours.standing(id) === "another captain's") continue;
    const live = await sprites.get(name);
    if (!live || !isOurs(live, id, where, ours)) continue;
    const kept = (await ofAStack(stack, id, ours, stacks)) ?? (mayWake ? await workOf(sprites, name) : null);
    const isEmptied = { kept: false };
    left.push({
      kind: "vm",
      name: `sprite ${name}`,
      voyage: id,
      standing: ours.standing(id),
      message: `is ${where === "harbor" ? "in the harbor" : "at sprites.dev"}, though ${ours.why(id)}`,
      kept: kept?.why ?? null,
      hint: kept?.hint ?? "",
      remove: () => inVoyage(id, ours, () => remove(sprites, live, isEmptied.kept)),
      ...(kept?.isWork && {
        fetch: async () => {
          const to = await fetchWork(sprites, live);
          isEmptied.kept = true;
          return to;
        },
      }),
    });
  }
  return left;
}

/** Tells whether a VM carries this captain's mark. */
function isOurs({ labels }: SpriteInfo, id: string, where: Provider["name"], ours: Ours): boolean {
  if (!labels.includes(VOYAGE_LABEL)) return false;
  const captains = captainsOf(labels);
  if (captains.length > 0 && !(ours.me && captains.includes(ours.me))) return false;
  const nonce = ours.voyages.get(id)?.file.nonce;
  if (nonce !== undefined) return labels.includes(nonceLabel(nonce));
  return captains.length > 0 || where === "harbor";
}

type Kept = { why: string; hint: string; isWork: boolean };

/** Says that a VM whose voyage has no folder here may still belong to a stack, which then is what ends it. */
async function ofAStack(stack: string, id: string, ours: Ours, stacks: Asking["stacks"]): Promise<Kept | null> {
  if (ours.standing(id) !== "unknown") return null;
  const nameless = ours.nameless.find((root) => root.endsWith(`/${stack}`));
  if (nameless)
    return {
      why: `it may be of the voyage in ${nameless}, which does not say who it is`,
      hint: `ls -la ${nameless}`,
      isWork: false,
    };
  const isBegunAnew = [...ours.voyages.values()].some(({ file }) => file.stack === stack);
  const known = await stacks();
  if (!known)
    return { why: "Pulumi does not list its stacks in this shell, so it may be of one", hint: "pulumi login", isWork: false };
  if (!known.has(stack) || isBegunAnew) return null;
  return { why: `stack ${stack} sails it`, hint: `pulumi destroy -s ${stack}`, isWork: false };
}

/** Says what work a VM holds, or that it cannot be looked at; null when it holds none. Wakes it. */
async function workOf(sprites: SpritesClient, name: string): Promise<Kept | null> {
  try {
    if (!(await hasWork(sprites, name))) return null;
    return {
      why: "it holds work that is on no branch and in no folder of yours",
      hint: "ocaptain sweep --fetch  # brings it into an archive, and then removes the VM",
      isWork: true,
    };
  } catch (error) {
    return { why: `whether it holds work cannot be seen: ${withCause(error)}`, hint: "ocaptain sweep  # again", isWork: false };
  }
}

/** Does it while no `up` changes the voyage, if the voyage is still not at sea. */
async function inVoyage(id: string, ours: Ours, work: () => Promise<void>): Promise<void> {
  const known = ours.voyages.get(id);
  const lock = known && (await acquireOsLock(known.folder.lock, { timeoutMs: 0 }).catch((cause) => Promise.reject(busy(cause))));
  try {
    const now = (await readOurs()).standing(id);
    if (now !== ours.standing(id)) throw new OcaptainError("AT_SEA", `voyage ${id} is ${now} by now`);
    await work();
  } finally {
    lock?.release();
  }
}

const busy = (cause: unknown) =>
  new OcaptainError("LOCKED", "another change of its voyage is under way", {
    hint: "ocaptain sweep  # when it has ended",
    cause,
  });

async function remove(sprites: SpritesClient, found: SpriteInfo, isHome: boolean): Promise<void> {
  const live = await sprites.get(found.name);
  if (!live) return;
  if (live.id !== found.id || live.labels.join() !== found.labels.join())
    throw new OcaptainError("ANOTHER_VM", `sprite ${found.name} is another one by now`, { hint: "ocaptain sweep" });
  if (!isHome && (await hasWork(sprites, found.name)))
    throw new OcaptainError("HOLDS_WORK", `sprite ${found.name} holds work by now`, { hint: "ocaptain sweep --fetch" });
  await sprites.remove(found.name);
}
