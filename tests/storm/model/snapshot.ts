import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { shipName, spritePrefix } from "../../../lib/base/naming.ts";
import { voyageFolder } from "../../../lib/base/paths.ts";
import { helmClient } from "../../../lib/daemons/helm-client.ts";
import { incarnationLabel } from "../../../lib/mutagen/sessions.ts";
import { readVoyageIdentity } from "../../../lib/voyage/identity.ts";
import type { Snapshot } from "../invariants.ts";
import { hasSession } from "./crew.ts";
import type { Recorded } from "./engine.ts";
import type { Machine } from "./machine.ts";
import { marksIn, type Provider, type Vm } from "./provider.ts";

/** The parts of a world that are looked at. `said` is all that the captain was told. */
type Seen = { machine: Machine; stack: string; provider: Provider; state: readonly Recorded[]; said: string };

/** The VMs that are the voyage's. */
export const ourVms = ({ vms }: Provider): Vm[] => [...vms.values()].filter(({ labels }) => labels.includes("ocaptain"));

/** All VMs, as the provider tells of them. */
export const seaNow = ({ vms }: Provider) => [...vms.values()].map(({ home, ...vm }) => vm);

/** Looks at all that there is. */
export async function snapshotOf(of: Seen): Promise<Snapshot> {
  const { machine, stack, provider, state, said } = of;
  const file = await readVoyageIdentity(stack);
  const folder = voyageFolder(stack);
  const daemon = file && machine.daemonOf(file.voyageId);
  const helm = helmClient();
  const health = await helm.health().catch(() => null);
  const status = file && health?.voyages.includes(file.voyageId) ? await helm.voyage(file.voyageId) : null;
  const prefix = file ? spritePrefix(stack, file.voyageId) : "-";
  const { branch, refs, marks: inRefs } = await repositoryAt(folder.repo, stack);
  const mirrored: Record<string, string[]> = {};
  for (let index = 0; index < 4; index++) {
    const marks = marksIn(folder.mirror(shipName(index)));
    if (marks.length > 0) mirrored[shipName(index)] = marks;
  }
  const read = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");
  return {
    vms: ourVms(provider)
      .filter(({ name }) => name.startsWith(prefix))
      .map((vm) => ({ name: vm.name, incarnation: vm.id, crew: hasSession(vm) })),
    nodes: [],
    keys: [],
    syncs: (daemon?.sessions ?? []).map(({ spec, halted }) => ({
      name: spec.name,
      ship: spec.labels.ship ?? "",
      kind: spec.labels.kind ?? "",
      incarnation: incarnationOf(spec.labels.incarnation ?? "", ourVms(provider)),
      halted: halted !== null,
    })),
    processes: daemon?.running && file?.sunkAt ? [`sync daemon of ${file.voyageId}`] : [],
    ports: [],
    locks: [],
    tasks: status?.tasks.map(({ id, status: is, commit, epoch }) => ({ id, status: is, commit, epoch })) ?? null,
    branch,
    refs,
    registered: file && health?.voyages.includes(file.voyageId) ? [file.voyageId] : [],
    recorded: state.map(({ name, kind, props }) => ({ name, kind, present: props.present !== false })),
    work: { mirrored, home: [...inRefs, ...marksIn(folder.ships)], deleted: provider.deleted },
    others: {
      vms: seaNow(provider).filter(({ labels }) => labels.includes("theirs")),
      branch: (await execa("git", ["--git-dir", machine.other.repo, "for-each-ref"])).stdout,
      files: readdirSync(machine.other.root).sort(),
    },
    texts: [
      { place: "state", text: JSON.stringify(state) },
      { place: "what the captain was told", text: said },
      { place: "the helm's log", text: read(join(process.env.OCAPTAIN_HOME!, "helm", "helm.log")) },
      { place: "voyage.json", text: read(folder.voyageFile) },
    ],
  };
}

/** The VM's id by the label that a sync has of it. */
function incarnationOf(label: string, vms: readonly Vm[]): string {
  return vms.find(({ id }) => incarnationLabel(id) === label)?.id ?? label;
}

type Repository = { branch: Snapshot["branch"]; refs: string[]; marks: string[] };
const known = new Map<string, Repository>();

/** What is in a repository, read again only when one of its refs has changed. */
async function repositoryAt(repo: string, branch: string): Promise<Repository> {
  if (!existsSync(repo)) return { branch: [], refs: [], marks: [] };
  const files = readdirSync(join(repo, "refs"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const refs = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  const packed = join(repo, "packed-refs");
  const all = [...refs, ...(existsSync(packed) ? [packed] : [])].map((ref) => `${ref} ${readFileSync(ref, "utf8")}`).join("");
  const before = known.get(all);
  if (before) return before;
  const git = async (...args: string[]) =>
    (await execa("git", ["--git-dir", repo, ...args], { reject: false })).stdout.split("\n").filter(Boolean);
  const found: Repository = {
    branch: (await git("log", "--first-parent", "--reverse", "--format=%H %s", branch, "--")).map((line) => {
      const task = /^T(\w+)$/.exec(line.slice(41))?.[1] ?? null;
      return { commit: line.slice(0, 40), task };
    }),
    refs: await git("for-each-ref", "--format=%(refname)"),
    marks: (await git("rev-list", "--objects", "--all")).flatMap((line) => /(mark-\S+)$/.exec(line)?.[1] ?? []),
  };
  known.set(all, found);
  return found;
}
