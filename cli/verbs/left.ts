import { existsSync } from "node:fs";
import { cp, readdir, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { typedWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { git } from "../../lib/git/run.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { cloneBranch, fetchInto } from "../landing/clone-repository.ts";
import { findLeft, type LeftBehind, leftBehind } from "../landing/left-behind.ts";
import { changeAsJson, showChange } from "../landing/show-change.ts";
import { ask, canAsk } from "../output/ask.ts";
import { span } from "../output/durations.ts";
import type { Io } from "../output/io.ts";
import { sizeText } from "../output/size-text.ts";
import { table } from "../output/table.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

const WHAT: Record<LeftBehind["kind"], string> = {
  lost: "rescued from its mirror",
  left: "not delivered",
  mirror: "its mirror, put aside",
};

/** `ocaptain left [voyage]` lists what ships have written that is not on the voyage's branch. */
export async function leftList(name: string | undefined, io: Io): Promise<void> {
  const voyage = await chooseVoyage(name);
  const left = await leftBehind(voyage);
  const { stack } = voyage.file;
  if (io.json) return io.out(plainJson({ voyage: stack, left: left.map(asJson) }, 2));
  if (left.length === 0) return io.note(`${stack} has left nothing beside its branch`);
  const now = Date.now();
  const rows = left.map((each) => [
    { text: each.name },
    { text: WHAT[each.kind] },
    { text: each.task === null ? "" : `#${each.task}` },
    { text: each.ship },
    { text: span(each.at, now) },
    { text: counted(each.files, "file") },
    { text: sizeText(each.bytes) },
  ]);
  for (const line of table(["NAME", "WHAT", "TASK", "SHIP", "AGE", "CHANGED", "SIZE"], rows, io.columns)) io.out(line);
  io.note(`next: ocaptain left show ${typedWord(left[0]!.name)} ${stack}`);
}

const asJson = (each: LeftBehind) => {
  const { name, kind, task, ship, at, files, bytes } = each;
  return {
    name,
    kind,
    task,
    ship,
    at,
    files,
    bytes,
    ...("ref" in each ? { ref: each.ref, commit: each.commit } : { folder: each.path }),
  };
};

/** `ocaptain left show <name> [voyage]` shows what one of them changes; of a mirror, its files. */
export async function leftShow(name: string, of: string | undefined, { stat }: { stat?: boolean }, io: Io): Promise<void> {
  const voyage = await chooseVoyage(of);
  const left = await findLeft(voyage, name);
  if ("ref" in left) {
    const change = { repo: voyage.folder.repo, from: left.base, to: left.commit };
    return io.json ? changeAsJson(change, asJson(left), io) : showChange(change, { stat }, io);
  }
  const files = await readdir(left.path, { recursive: true });
  if (io.json) return io.out(plainJson({ ...asJson(left), files }, 2));
  for (const file of files) io.out(file);
}

/**
 * `ocaptain left take <name> [voyage] [-d folder]` makes a folder of it: a clone in which it is checked out, or the
 * files of a mirror.
 */
export async function leftTake(name: string, of: string | undefined, options: { dest?: string }, io: Io): Promise<void> {
  const voyage = await chooseVoyage(of);
  const left = await findLeft(voyage, name);
  const { stack } = voyage.file;
  const dest = resolve(options.dest ?? `${stack}-${left.name.replaceAll("/", "-")}`);
  const hint = `ocaptain left take ${typedWord(name)} ${stack} -d ${typedWord(`${dest}-2`)}`;
  if (existsSync(dest)) throw new OcaptainError("FOLDER_TAKEN", `${dest} is there already, and nothing is overwritten`, { hint });
  if ("ref" in left) {
    await cloneBranch({ repo: voyage.folder.repo, branch: stack, dest, hint }, io);
    await fetchInto(dest, [`${left.ref}:refs/heads/${left.name}`], hint, io);
    await git(["checkout", "--quiet", left.name], { cwd: dest });
  } else await cp(left.path, dest, { recursive: true, verbatimSymlinks: true, errorOnExist: true, force: false });
  io.out(io.json ? plainJson({ ...asJson(left), folder: dest }, 2) : dest);
}

/** `ocaptain left drop <name…> [--yes]` deletes them for good, after asking. */
export async function leftDrop(names: readonly string[], options: { voyage?: string; yes?: boolean }, io: Io): Promise<number> {
  const voyage = await chooseVoyage(options.voyage);
  const { stack } = voyage.file;
  const left: LeftBehind[] = [];
  for (const name of new Set(names)) left.push(await findLeft(voyage, name));
  for (const each of left)
    io.note(`${each.name}: ${WHAT[each.kind]}, ${counted(each.files, "file")}, ${sizeText(each.bytes)}, of ${each.ship}`);
  if (!options.yes) {
    if (!canAsk())
      throw new OcaptainError("NO_TERMINAL", "nobody can be asked here whether this is to be deleted", {
        hint: `ocaptain left drop ${left.map((each) => typedWord(each.name)).join(" ")} --voyage ${stack} --yes`,
      });
    if (!(await ask(`Delete ${counted(left.length, "of these", "of these")} for good?`, io))) {
      io.note("nothing was changed");
      return 1;
    }
  }
  for (const each of left) await drop(voyage, each);
  io.out(
    io.json ? plainJson({ voyage: stack, dropped: left.map(asJson) }, 2) : left.map((each) => `deleted: ${each.name}`).join("\n"),
  );
  return 0;
}

async function drop({ folder }: KnownVoyage, left: LeftBehind): Promise<void> {
  // The ref is deleted only while it is what was shown.
  if ("ref" in left) await git(["update-ref", "-d", left.ref, left.commit], { gitDir: folder.repo });
  else await rm(left.path, { recursive: true, force: true });
}
