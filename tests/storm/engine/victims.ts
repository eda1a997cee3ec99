import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mutagenHome } from "../../../lib/base/paths.ts";
import { knownHarbor } from "../../../lib/daemons/harbor.ts";
import { helmProcess } from "../../../lib/daemons/helm-process.ts";
import { holderOf } from "../../support/processes.ts";
import type { Victim } from "../history.ts";
import type { World } from "./world.ts";

export type Process = { pid: number; ppid: number; line: string; environ: string };

/**
 * All processes of the captain's machine of this world, and of its ships: those that name its folder, and what they
 * have started.
 */
export function processesOf({ captain }: Pick<World, "captain">): Process[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name): Process[] => {
      try {
        const text = (what: string) => readFileSync(`/proc/${name}/${what}`, "utf8").replaceAll("\0", " ").trim();
        const ppid = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1]);
        return [{ pid: Number(name), ppid, line: text("cmdline"), environ: text("environ") }];
      } catch {
        return []; // It has ended.
      }
    })
    .filter(({ line }) => line !== "");
  const ours = new Map<number, Process>();
  for (let before = -1; before < ours.size; ) {
    before = ours.size;
    for (const one of all)
      if (one.line.includes(captain.folder) || one.environ.includes(captain.folder) || ours.has(one.ppid)) ours.set(one.pid, one);
  }
  return [...ours.values()];
}

/** What Pulumi's own provider script is called as long as none of our code has had a call in it. */
const UNUSED_PROVIDER = /@pulumi\/pulumi\/cmd\/dynamic-provider/;
const PROVIDER = /@pulumi\/pulumi\/cmd\/dynamic-provider|^ocaptain dynamic-provider/;
const LANGUAGE_HOST = /language-host\.mjs|pulumi-language-nodejs/;
const PROGRAM = /@pulumi\/pulumi\/cmd\/run/;

/** The processes that an engine has started. */
export const engineProcesses = (world: World) =>
  processesOf(world).filter(({ line }) => [PROVIDER, LANGUAGE_HOST, PROGRAM, /pulumi-resource-/].some((kind) => kind.test(line)));

/** The provider processes in which none of our code has had a call yet. */
export const unusedProviders = (world: World) => engineProcesses(world).filter(({ line }) => UNUSED_PROVIDER.test(line));

/**
 * Finds the processes of this captain's machine that a trouble means: none where there is none of that kind just now.
 */
export function find(world: World, victim: Victim, voyageId: string | undefined, part: "before" | "after"): number[] {
  // A number that a file names may be another process's by now.
  const ours = new Set(processesOf(world).map(({ pid }) => pid));
  return candidates(world, victim, voyageId, part).filter((pid) => ours.has(pid));
}

function candidates(world: World, victim: Victim, voyageId: string | undefined, part: "before" | "after"): number[] {
  const named = (pattern: RegExp) => engineProcesses(world).filter(({ line }) => pattern.test(line));
  switch (victim.kind) {
    case "engine":
      return processesOf(world)
        .filter(({ line }) => /(^|\/)pulumi (up|preview|refresh|destroy) /.test(line))
        .map(({ pid }) => pid);
    case "provider":
      // The moment's part chooses, for histories do not know the language host.
      return named(part === "before" ? PROVIDER : LANGUAGE_HOST).map(({ pid }) => pid);
    case "helm":
      return [helmProcess()?.pid ?? 0].filter((pid) => pid > 0);
    case "harbor":
      return [knownHarbor()?.pid ?? 0].filter((pid) => pid > 0);
    case "sync-daemon":
      return voyageId === undefined ? [] : holders(join(mutagenHome(voyageId), "daemon", "daemon.lock"));
    default:
      return onShip(world, victim);
  }
}

function holders(file: string): number[] {
  try {
    return [holderOf(file)];
  } catch {
    return [];
  }
}

/** The processes of a ship: its supervisor, the shell of its task, or the confinement with all that is in it. */
function onShip(world: World, victim: Victim & { ship: number }): number[] {
  const all = processesOf(world);
  const byPid = new Map(all.map((one) => [one.pid, one]));
  const supervisors = all.filter(({ line }) => /^\S*node\S* .*supervisor\.ts/.test(line));
  const supervisor = supervisors[victim.ship % Math.max(supervisors.length, 1)];
  if (!supervisor) return [];
  if (victim.kind === "supervisor") return [supervisor.pid];
  if (victim.kind === "hand") return all.filter(({ ppid }) => ppid === supervisor.pid).map(({ pid }) => pid);
  let top = supervisor;
  for (let up = byPid.get(top.ppid); up && !/harbor\/main/.test(up.line); up = byPid.get(up.ppid)) top = up;
  return [top.pid];
}
