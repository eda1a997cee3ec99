import { writeFile } from "node:fs/promises";
import { posix, resolve } from "node:path";
import { counted } from "../../lib/base/counted.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { withHome } from "../../lib/base/paths.ts";
import { typedWord } from "../../lib/base/shell-word.ts";
import { plainJson } from "../../lib/base/text.ts";
import { personalAuthor } from "../../lib/git/author.ts";
import { readLineage } from "../../lib/plan/lineage.ts";
import type { Io } from "../output/io.ts";
import { patchTo, putOnBranch, type Tip, tipOf } from "../plan/done/branch.ts";
import { type DoneTask, type InFile, type Marked, markDone } from "../plan/done/mark.ts";
import { FORMATS, type Format, type SourceFile } from "../plan/import/shape.ts";
import { chooseVoyage } from "../target/choose-voyage.ts";

/** The done tasks of one list: those of a format, and of a file or folder where the format has such. */
type Group = { from: Format; place: string; list: string | undefined; tasks: DoneTask[] };

/**
 * `ocaptain plan done [voyage]` says in the list from which a voyage's plan was imported what the voyage has done: as a
 * commit on a branch of its own, or as a patch, or as the commands that tell the service. Only tasks count whose
 * commits were accepted. The voyage's own branch stays as it is, and so does what is said of its verification.
 * @throws OcaptainError NOT_IMPORTED, NOTHING_DONE, NOT_OURS, NO_BRANCH, SOURCE
 */
export async function planDone(name: string | undefined, { out }: { out?: string }, io: Io): Promise<void> {
  const { file, folder } = await chooseVoyage(name);
  const { stack } = file;
  const groups = groupsOf(readLineage(folder.ledger)?.granted ?? [], stack);
  const commands = groups.flatMap(commandsOf);
  const inFiles = groups.filter((group): group is Group & { from: InFile } => group.from !== "beads" && group.from !== "github");
  if (inFiles.length === 0 && out !== undefined)
    throw new OcaptainError("USAGE", `the tasks of ${stack} came from no file, so that there is no patch`, {
      hint: `ocaptain plan done ${stack}`,
    });
  const marks: (Marked & { place: string })[] = [];
  let made: { branch?: string; commit?: string; patch?: string } = {};
  if (inFiles.length > 0) {
    const tip = await tipOf(folder, stack);
    for (const group of inFiles)
      marks.push({ ...markDone(group.from, await filesOf(group, tip), group.tasks, group.list), place: group.place });
    const changed = marks.flatMap(({ files, marked }) => (marked.length > 0 ? files : []));
    if (changed.length > 0) {
      const tree = await tip.treeWith(changed);
      if (out === undefined) {
        const ids = marks.flatMap(({ marked }) => marked);
        const message = `Mark ${counted(ids.length, "task")} as done\n\n${ids.join("\n")}`;
        made = await putOnBranch(folder, stack, { tip: tip.commit, tree, message, author: await personalAuthor(process.cwd()) });
      } else made = { patch: await writePatch(out, await patchTo(folder, tip.commit, tree)) };
    }
  }
  const lists = marks.map(({ place, marked, already, unmarked }) => ({ place, marked, already, unmarked }));
  if (io.json) return io.out(plainJson({ voyage: stack, lists, commands, ...made }, 2));
  for (const { place, marked, already, unmarked } of lists) {
    io.out(
      `${place}: ${marked.length > 0 ? `marked as done: ${marked.join(", ")}` : "nothing to mark"}${already.length > 0 ? `; done already: ${already.join(", ")}` : ""}`,
    );
    for (const { id, why } of unmarked) io.note(`not marked: ${id}, as ${why}`);
  }
  if (made.branch) {
    io.out(`on branch ${made.branch}, one commit on top of ${stack}: ${made.commit!.slice(0, 8)}`);
    io.note(`next: git fetch ${typedWord(folder.repo)} ${made.branch} && git merge FETCH_HEAD  # in your own clone`);
  }
  if (made.patch) {
    io.out(`written: ${made.patch}`);
    io.note(`next: git apply ${typedWord(made.patch)}  # in a checkout of ${stack}`);
  }
  if (commands.length > 0) io.note("nothing was told to anybody; these commands do it:");
  for (const command of commands) io.out(command);
}

function groupsOf(granted: NonNullable<ReturnType<typeof readLineage>>["granted"], stack: string): Group[] {
  const groups = new Map<string, Group>();
  let imported = 0;
  for (const { task, status, commit } of granted) {
    const [, from, id] = /^([a-z-]+):(.+)$/.exec(String(task.metadata.source ?? "")) ?? [];
    const format = FORMATS.find((each) => each === from);
    if (!format || id === undefined) continue;
    imported += 1;
    if (status !== "accepted" || !commit) continue;
    const { sourceFile, sourceList } = (task.metadata.x ?? {}) as { sourceFile?: unknown; sourceList?: unknown };
    const file = typeof sourceFile === "string" ? sourceFile : "";
    const place = format === "backlog" && file ? posix.dirname(posix.dirname(file)) : file;
    const list = typeof sourceList === "string" ? sourceList : undefined;
    const key = JSON.stringify([format, place, list]);
    const group = groups.get(key) ?? { from: format, place, list, tasks: [] };
    group.tasks.push({ id, subject: task.subject });
    groups.set(key, group);
  }
  if (groups.size > 0) return [...groups.values()];
  if (imported > 0)
    throw new OcaptainError("NOTHING_DONE", `no imported task of ${stack} is accepted yet`, { hint: `ocaptain tasks ${stack}` });
  throw new OcaptainError("NOT_IMPORTED", `no task of ${stack} that was begun came from an import`, {
    hint: `ocaptain tasks ${stack}`,
  });
}

/** The commands by which a service is told, where the status stands in no file. */
function commandsOf({ from, tasks }: Group): string[] {
  if (from === "beads") return [`bd close ${tasks.map(({ id }) => typedWord(id)).join(" ")}`];
  if (from !== "github") return [];
  return tasks.map(({ id }) => {
    const [repo = "", number = ""] = id.split("#");
    return `gh issue close ${typedWord(number)} --repo ${typedWord(repo)}`;
  });
}

/** Reads the files of a list at the voyage's tip. @throws OcaptainError SOURCE */
async function filesOf({ from, place }: Group, tip: Tip): Promise<SourceFile[]> {
  if (place === "")
    throw new OcaptainError(
      "SOURCE",
      `the list of ${from} was in no repository when it was imported: there is no copy of it on the voyage's branch`,
    );
  if (/^\/|(^|\/)\.\.?(\/|$)|(^|\/)\.git(\/|$)/i.test(place))
    throw new OcaptainError("SOURCE", `${place} is no path in a repository`);
  const names =
    from === "backlog"
      ? [`${place}/config.yml`, ...(await tip.markdownIn(`${place}/tasks`)), ...(await tip.markdownIn(`${place}/completed`))]
      : [place];
  const files: SourceFile[] = [];
  for (const name of names) files.push(...[await tip.read(name)].filter((file) => file !== undefined));
  if (files.length > 0) return files;
  throw new OcaptainError("SOURCE", `${place} is not on the voyage's branch: was it committed before the voyage began?`);
}

/** Writes the patch to a file that is not there yet. @throws OcaptainError OUT */
async function writePatch(out: string, patch: string): Promise<string> {
  const path = resolve(withHome(out));
  await writeFile(path, patch, { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") throw new OcaptainError("OUT", `${path} is there already, and nothing is overwritten`);
    throw error;
  });
  return path;
}
