import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { git } from "../../lib/git/run.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";

/**
 * A piece of work that a ship wrote and that is not on the voyage's branch: given back, rescued, or put aside.
 * - `lost`: the mirror of a ship that was fenced, which the helm has saved (`refs/lost/<task>/<epoch>`).
 * - `left`: what lay in a ship's tree beside what it delivered (`refs/ships/<ship>/left-<task>-<epoch>`).
 * - `mirror`: a mirror that was put aside, when its ship was replaced or its sync was in conflict (`ships/left/`).
 */
export type LeftBehind = {
  /** The word by which the command line names it. */
  name: string;
  kind: "lost" | "left" | "mirror";
  task: string | null;
  ship: string;
  /** When it was saved, as ISO 8601. */
  at: string;
  /** How many files, and their bytes: of a ref, those that it changes. */
  files: number;
  bytes: number;
} & ({ ref: string; commit: string; base: string } | { path: string });

/** A file that was put aside is counted up to here; a mirror may have all of a build in it. */
const MOST_FILES = 100_000;
/** The parts of a ref that are taken for a name: a ship chooses some of its own, and others are left out. */
const NAME = /^[A-Za-z0-9._-]{1,100}$/;

/** Lists what was left behind in a voyage, the newest first. */
export async function leftBehind(voyage: KnownVoyage): Promise<LeftBehind[]> {
  const [refs, mirrors] = await Promise.all([refsLeft(voyage), mirrorsLeft(voyage)]);
  return [...refs, ...mirrors].sort((a, b) => (a.at < b.at ? 1 : -1));
}

/** @throws OcaptainError NO_LEFT, with what there is */
export async function findLeft(voyage: KnownVoyage, name: string): Promise<LeftBehind> {
  const all = await leftBehind(voyage);
  const found = all.find((each) => each.name === name);
  if (found) return found;
  const names = all.slice(0, 20).map((each) => each.name);
  throw new OcaptainError(
    "NO_LEFT",
    `voyage "${voyage.file.stack}" has left nothing that is called "${name}"; there is ${names.join(", ") || "nothing"}`,
    { hint: `ocaptain left ${voyage.file.stack}` },
  );
}

async function refsLeft({ folder }: KnownVoyage): Promise<LeftBehind[]> {
  const gitDir = folder.repo;
  const fields = ["%(refname)", "%(objectname)", "%(parent)", "%(committerdate:iso-strict)", "%(trailers:key=Ship,valueonly)"];
  const { stdout } = await git(["for-each-ref", `--format=${fields.join("%1f")}%00`, "refs/lost", "refs/ships"], { gitDir });
  const found: LeftBehind[] = [];
  for (const line of stdout.split("\0\n")) {
    const [ref = "", commit = "", parents = "", date = "", ship = ""] = line.split("\x1f");
    const named = namedBy(ref, ship);
    const base = parents.split(" ")[0];
    if (!named || !base) continue;
    const at = new Date(date).toISOString();
    found.push({ ...named, ref, commit, base, at, ...(await sizeOf(gitDir, base, commit)) });
  }
  return found;
}

function namedBy(ref: string, ship: string): Pick<LeftBehind, "name" | "kind" | "task" | "ship"> | undefined {
  const [, top, first = "", second = ""] = /^refs\/(lost|ships)\/([^/]+)\/([^/]+)$/.exec(ref) ?? [];
  if (![first, second].every((part) => NAME.test(part))) return undefined;
  if (top === "lost") return { name: `lost/${first}/${second}`, kind: "lost", task: first, ship: ship.trim() || "unknown" };
  const claim = /^left-(.*)$/.exec(second)?.[1];
  if (top !== "ships" || claim === undefined) return undefined;
  return { name: `${first}/${second}`, kind: "left", task: /^(\d+)-\d+$/.exec(claim)?.[1] ?? null, ship: first };
}

/** Counts the files that a commit changes and their bytes; submodules have none of these here. */
async function sizeOf(gitDir: string, from: string, to: string): Promise<{ files: number; bytes: number }> {
  const { stdout } = await git(["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", from, to], { gitDir });
  const entries = [...stdout.matchAll(/:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) [A-Z]\0[^\0]*\0/g)].map(([, mode, blob]) => ({
    mode,
    blob,
  }));
  const blobs = entries.filter(({ mode }) => mode!.startsWith("1") && mode !== "160000").map(({ blob }) => blob);
  if (blobs.length === 0) return { files: entries.length, bytes: 0 };
  const sizes = await git(["cat-file", "--batch-check=%(objectsize)"], { gitDir, stdin: `${blobs.join("\n")}\n` });
  const bytes = sizes.stdout.split("\n").reduce((sum, size) => sum + (Number(size) || 0), 0);
  return { files: entries.length, bytes };
}

async function mirrorsLeft({ folder }: KnownVoyage): Promise<LeftBehind[]> {
  const root = join(folder.ships, "left");
  const found: LeftBehind[] = [];
  for (const ship of await names(root))
    for (const name of await names(join(root, ship))) {
      const path = join(root, ship, name);
      const info = await stat(path).catch(() => null);
      if (!info?.isDirectory()) continue;
      // The folder's name ends with the time at which it was put aside.
      const put = Number(/-(\d{13})$/.exec(name)?.[1]);
      const at = new Date(put || info.mtimeMs).toISOString();
      found.push({ name: `mirror/${ship}/${name}`, kind: "mirror", task: null, ship, at, path, ...(await sizeOfFolder(path)) });
    }
  return found;
}

async function sizeOfFolder(folder: string): Promise<{ files: number; bytes: number }> {
  let [files, bytes] = [0, 0];
  const open = [folder];
  for (let at = open.pop(); at !== undefined && files < MOST_FILES; at = open.pop())
    for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) open.push(path);
      else {
        files++;
        if (entry.isFile()) bytes += (await stat(path).catch(() => ({ size: 0 }))).size;
      }
    }
  return { files, bytes };
}

const names = async (folder: string) => (await readdir(folder).catch(() => [])).filter((name) => NAME.test(name)).sort();
