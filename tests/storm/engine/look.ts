import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { shipName, spritePrefix } from "../../../lib/base/naming.ts";
import { mutagenHome, voyageFolder, voyagesRoot } from "../../../lib/base/paths.ts";
import { incarnationLabel } from "../../../lib/mutagen/sessions.ts";
import { voyageMutagen } from "../../../lib/mutagen/voyage.ts";
import type { StateResource } from "../../stack/captain.ts";
import { until } from "../../support/until.ts";
import type { Snapshot } from "../invariants.ts";
import { processesOf } from "./victims.ts";
import { spritesNow, type World } from "./world.ts";

const ENDS_MS = 45_000;
const MARK = /mark-[0-9a-f]{16}/g;
const marksIn = (text: string): string[] => text.match(MARK) ?? [];

/** Looks at all that there is. What a dead or stopped daemon would have told is empty. */
export async function look(world: World): Promise<Snapshot> {
  const { captain, other } = world;
  const id = await captain.voyageId().catch(() => undefined);
  const sprites = await spritesNow();
  const status =
    id === undefined
      ? null
      : await captain
          .helm()
          .lookAtVoyage(id)
          .catch(() => null);
  const health = await captain
    .helm()
    .health()
    .catch(() => null);
  const mutagen = id === undefined ? undefined : voyageMutagen({ voyageId: id, provider: "harbor" });
  // A look starts no daemon, and a daemon's folder that is gone has no sessions.
  const syncs = id !== undefined && existsSync(mutagenHome(id)) ? await mutagen?.list().catch(() => []) : [];
  const infos = sprites && id !== undefined ? await sprites.list(spritePrefix(captain.stack, id)) : [];
  const vms = await Promise.all(infos.map(async (name) => ({ name, incarnation: (await sprites?.get(name))?.id ?? "" })));
  const state = await stateOf(world);
  // The mirrors come first: work that leaves one meanwhile is in the repository by then.
  const mirrored = mirrors(world);
  const home = [...Object.values(mirrored).flat(), ...(await committed())];
  return {
    vms: vms.map((vm) => ({ ...vm, incarnation: incarnationLabel(vm.incarnation), crew: true })),
    nodes: [],
    keys: [],
    syncs: (syncs ?? []).map((sync) => ({
      name: sync.name,
      ship: sync.labels.ship ?? "",
      kind: sync.labels.kind ?? "",
      incarnation: sync.labels.incarnation ?? "",
      halted: sync.halted !== null,
    })),
    processes: voyageProcesses(world),
    ports: [],
    // What the state says was begun and not ended stands in the way of a next run as a lock does.
    locks: [...locksOf(world), ...state.pending],
    tasks: status?.tasks.map(({ id: task, status: is, commit, epoch }) => ({ id: task, status: is, commit, epoch })) ?? null,
    branch: await branchOf(captain.stack),
    refs: (await git("for-each-ref", "--format=%(refname)")).split("\n").filter(Boolean),
    registered: (health?.voyages ?? []).filter((voyage) => voyage !== other.voyageId),
    recorded: state.resources.map((one) => ({
      name: String(one.urn.split("::").at(-1)),
      kind: one.type,
      present: one.outputs.present !== false,
    })),
    work: { mirrored, home },
    others: await others(world),
    // The folder of the voyages is the captain's as their home is.
    texts: [
      { place: "state", text: state.text.replaceAll(voyagesRoot(), world.wanted.captainHome) },
      { place: "messages", text: world.printed },
      ...texts(world),
    ],
  };
}

/** Waits until a voyage that has sunk has no process any more, as far as that comes within some time. */
export const settle = (world: World) =>
  until("the end of the voyage's processes", () => voyageProcesses(world).length === 0, ENDS_MS, { everyMs: 500 }).catch(
    () => undefined,
  );

/** The processes of the voyage: all of this machine's but the daemons that the other voyage needs too. */
const voyageProcesses = (world: World): string[] => {
  const all = processesOf(world);
  const shared = new Set(
    all
      .filter(({ line }) => /helm\/main|harbor\/main|telemetry\/main/.test(line) || line.includes(world.other.sprite))
      .map(({ pid }) => pid),
  );
  // The harbor keeps a confinement for the other voyage's VM, and nothing else by then.
  for (const one of all) if (shared.has(one.ppid) && !/supervisor|mutagen|tmux/.test(one.line)) shared.add(one.pid);
  return all.filter(({ pid }) => !shared.has(pid)).map(({ pid, line }) => `${pid} ${line.slice(0, 200)}`);
};

const git = async (...args: string[]) => {
  const repo = voyageFolder("sea").repo;
  return existsSync(repo) ? (await execa("git", ["--git-dir", repo, ...args], { reject: false })).stdout : "";
};

async function branchOf(stack: string): Promise<Snapshot["branch"]> {
  const format = "--format=%H %(trailers:key=Task,valueonly,separator=)";
  const lines = (await git("log", "--first-parent", "--reverse", format, stack)).split("\n").filter(Boolean);
  return lines.map((line) => ({ commit: line.slice(0, 40), task: line.slice(41).trim() || null }));
}

const committed = async () => marksIn(await git("log", "--all", "-m", "-p", "--format="));

/** The marks in the captain's folder of each ship. */
function mirrors({ captain }: World): Record<string, string[]> {
  const { ships } = captain.voyage;
  if (!existsSync(ships)) return {};
  return Object.fromEntries(readdirSync(ships).map((ship) => [ship, filesBelow(join(ships, ship, "out")).flatMap(marksIn)]));
}

const filesBelow = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder).flatMap((name) => {
        try {
          return [readFileSync(join(folder, name), "utf8")];
        } catch {
          return []; // It is a folder, or has gone.
        }
      })
    : [];

/** What the backend has on disk: also while an engine runs, or one that was killed has left its lock. */
async function stateOf({ captain }: World) {
  const file = join(captain.folder, ".pulumi/stacks/ocaptain", `${captain.stack}.json`);
  const text = await readFile(file, "utf8").catch(() => "{}");
  const latest = (JSON.parse(text) as { checkpoint?: { latest?: Latest | null } }).checkpoint?.latest;
  const resources = (latest?.resources ?? []).filter(({ type, id }) => id !== undefined && !type.startsWith("pulumi:"));
  return { text, resources, pending: (latest?.pending_operations ?? []).map(({ resource }) => resource.urn) };
}
type Latest = { resources?: StateResource[]; pending_operations?: { resource: { urn: string } }[] };

/** The engine's locks, and those of git in the voyage's repository. */
function locksOf({ captain }: World): string[] {
  const below = (folder: string) =>
    existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)) : [];
  const engines = below(join(captain.folder, ".pulumi/locks")).filter((file) => file.endsWith(".json"));
  return [...engines, ...below(captain.voyage.repo).filter((file) => file.endsWith(".lock"))];
}

/** All that the other voyage has, and nothing that may move by itself. */
async function others({ captain, other }: World): Promise<unknown> {
  const refs = await execa("git", ["--git-dir", voyageFolder(other.stack).repo, "for-each-ref"], { reject: false });
  return {
    file: await readFile(voyageFolder(other.stack).voyageFile, "utf8").catch(() => null),
    refs: refs.stdout,
    folders: readdirSync(voyagesRoot()).filter((name) => name !== captain.stack),
  };
}

/** Texts that others may read: logs, and command lines. */
function texts(world: World): Snapshot["texts"] {
  const logs = [join(world.captain.folder, "h/helm/helm.log"), join(world.captain.folder, "h/harbor/harbor.log")];
  return [
    ...logs.filter((file) => existsSync(file)).map((file) => ({ place: file, text: readFileSync(file, "utf8") })),
    {
      place: "argv",
      text: processesOf(world)
        .map(({ line }) => line)
        .join("\n"),
    },
  ];
}

/** The ships of a fleet of that many. */
export const shipsOf = (count: number) => Array.from({ length: count }, (_, index) => shipName(index));
