import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { spriteName } from "../../../lib/base/naming.ts";
import { mutagenHome, voyageFolder } from "../../../lib/base/paths.ts";
import { ensureHarbor, knownHarbor, stopHarbor } from "../../../lib/daemons/harbor.ts";
import { stopHelm } from "../../../lib/daemons/helm.ts";
import { openSprites } from "../../../lib/sprites/client.ts";
import { type Captain, openCaptain } from "../../stack/captain.ts";
import { type SmallTask, writePlan } from "../../support/plan.ts";
import { resource } from "../../support/voyage/resource.ts";
import type { Setting } from "../history.ts";
import type { Wanted } from "../invariants.ts";

/** The disks that a history can fill: what is in the captain's own folders, and what harbor and ships have. */
export const DISKS = ["v", "h"] as const;
/** Preflight wants a gigabyte; what is not used takes no memory. */
export const DISK_BYTES = 2 * 1024 ** 3;

/** What a history has changed so far, and what is wrong at present. */
export type World = {
  captain: Captain;
  /** The other voyage, which nobody touches. */
  other: { stack: string; voyageId: string; sprite: string };
  /** What the configuration and the plan's folder say now. */
  said: { ships: number; tasks: SmallTask[]; next: number };
  /** What they said at the last `up` that succeeded. */
  wanted: Wanted;
  /** Whether the captain's folders are on small disks of their own. */
  disks: boolean;
  /** Ends each trouble that lasts. */
  relief: (() => Promise<void> | void)[];
  /** Counts a run or a trouble that came to pass. */
  count: (what: string) => void;
  /** What the engine's runs have printed. */
  printed: string;
};

/** The shell line of a task: it leaves a word in the tree that is written once, works for some seconds, and ends. */
const deed = (id: string) =>
  `mkdir -p out; echo "mark-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \\n')" >> out/${id}; sleep ${(Number(id) % 3) + 1}`;

export const taskOf = (id: string, after: string[] = []): SmallTask => ({ id, after, run: deed(id) });

/** Opens a captain's machine with a voyage that has not sailed yet, and beside it another voyage with a VM. */
export async function openWorld(setting: Setting, count: (what: string) => void): Promise<World> {
  const tasks = Object.entries(setting.tasks).map(([id, after]) => taskOf(id, after));
  const captain = await openCaptain({ tasks, config: { ships: setting.ships, leaseSeconds: 24 } });
  const disks = process.getuid?.() === 0 && process.env.STORM_OWN_MOUNTS === "1";
  for (const disk of DISKS) {
    const folder = join(captain.folder, disk);
    mkdirSync(folder);
    if (disks) await execa("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "none", folder]);
  }
  const { token } = await ensureHarbor();
  return {
    captain,
    other: await otherVoyage(captain),
    said: { ships: setting.ships, tasks, next: tasks.length + 1 },
    wanted: { ships: [], tasks: [], tailnet: false, captainHome: join(captain.folder, DISKS[1]), secrets: [token] },
    disks,
    relief: [],
    count,
    printed: "",
  };
}

/** Ends all daemons, and takes the small disks away with the folder. */
export async function closeWorld({ captain, disks }: World): Promise<void> {
  const id = await captain.voyageId().catch(() => null);
  if (id) await execa("mutagen", ["daemon", "stop"], { env: { MUTAGEN_DATA_DIRECTORY: mutagenHome(id) }, reject: false });
  await stopHelm().catch(() => {});
  await stopHarbor().catch(() => {});
  for (const disk of disks ? DISKS : []) await execa("umount", ["--lazy", join(captain.folder, disk)], { reject: false });
  await captain.close();
}

/** Writes the plan's folder as the world says now. */
export const writeTasks = ({ captain, said }: World) =>
  writePlan(captain.plan, { repo: captain.repo, tasks: said.tasks, ships: said.ships });

/** Makes the voyage "calm", as an `up` of it would have, with one VM and no crew: nothing of it moves by itself. */
async function otherVoyage(captain: Captain): Promise<World["other"]> {
  const common = { stack: "calm", provider: "harbor" };
  const { voyageId, nonce } = (await resource("muster", common).create()) as unknown as { voyageId: string; nonce: string };
  const sprite = spriteName("calm", voyageId, "ship-0");
  const voyage = { ...common, voyageId };
  await resource("sprite", { ...voyage, nonce, crewDigest: "one", ship: "ship-0", name: sprite }).create();
  await execa("git", ["clone", "-q", "--bare", captain.repo, voyageFolder("calm").repo]);
  return { stack: "calm", voyageId, sprite };
}

/** The harbor's client, which starts no harbor; null while none answers. */
export async function spritesNow() {
  const harbor = knownHarbor();
  if (!harbor) return null;
  const sprites = await openSprites({ kind: "harbor", baseUrl: harbor.url, token: harbor.token });
  return sprites.list("").then(
    () => sprites,
    () => null,
  );
}
