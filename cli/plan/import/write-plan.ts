import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OcaptainError } from "../../../lib/base/errors.ts";
import { plain, plainLines } from "../../../lib/base/text.ts";
import { MAX_TEXT_BYTES } from "../../../lib/plan/limits.ts";
import { loadPlan } from "../../../lib/plan/load.ts";
import { schemasFor } from "../schemas.ts";
import type { Proposal } from "./propose-verify.ts";
import type { Settled } from "./settle.ts";
import type { Format, Source, SourceFile, SourceTask } from "./shape.ts";

/** All that a plan is written from. */
export type Draft = {
  from: Format;
  /** The source as the captain named it. */
  where: string;
  /** The plan's name and purpose. */
  title: string;
  source: Source;
  settled: Settled;
  verify: Proposal | null;
  /** The `repo` of voyage.json; undefined where it is the repository that the plan lies in. */
  repo: string | undefined;
  /** The path of a file of the source in the repository; undefined where it is in none. */
  inRepository(file: string): string | undefined;
};

const MOST_SUBJECT = 160;
const MOST_DESCRIPTION = 60_000;

/**
 * Writes a plan's folder. It is written beside its place and loaded from there, and comes to its place only when it can
 * sail. Nothing that is there is overwritten.
 *
 * @returns what had to be shortened, in sentences
 * @throws OcaptainError OUT, PLAN (with all findings)
 */
export async function writeImported(folder: string, draft: Draft): Promise<string[]> {
  if (existsSync(folder) && (await readdir(folder).catch(() => ["a file"])).length > 0)
    throw new OcaptainError("OUT", `${folder} is there already, and nothing is overwritten`, {
      hint: "say with --out where else it is to be",
    });
  const notes: string[] = [];
  const schemas = schemasFor(folder);
  const half = `${folder}.${process.pid}.part`;
  try {
    await mkdir(join(half, "tasks"), { recursive: true });
    await write("voyage.json", json(voyageFile(draft, schemas)));
    await write("spec.md", specOf(draft, notes));
    if (draft.verify) await write("verify.sh", draft.verify.text, 0o755);
    for (const planned of draft.settled.tasks)
      await write(`tasks/${planned.number}.json`, json(taskFile(planned, draft, schemas, notes)));
    const loaded = await loadPlan(half);
    if ("findings" in loaded) {
      const lines = loaded.findings.map(({ file, field, message }) => `  ${file}: ${field && `${field} `}${message}`);
      throw new OcaptainError("PLAN", `the plan cannot sail, and is not written:\n${lines.join("\n")}`);
    }
    await rename(half, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
      throw new OcaptainError("OUT", `${folder} has come to be meanwhile, and nothing is overwritten`);
    });
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  return notes;

  async function write(name: string, text: string, mode = 0o644): Promise<void> {
    await mkdir(dirname(join(half, name)), { recursive: true });
    await writeFile(join(half, name), text, { mode, flag: "wx" });
  }
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

const voyageFile = ({ title, repo, from, where }: Draft, schemas: string | undefined) => ({
  ...(schemas !== undefined && { $schema: `${schemas}/voyage.json` }),
  name: plain(title, { most: 190 }).replaceAll("\t", " ").trim() || from,
  ...(repo !== undefined && { repo }),
  x: { imported: { from, source: plain(where, { most: 500 }) } },
});

/** The subject of an imported task in its plan. */
export const subjectOf = ({ id, title }: Pick<SourceTask, "id" | "title">) =>
  plain(`${id}: ${title.replace(/\s+/g, " ")}`, { most: MOST_SUBJECT }).trim();

function taskFile(
  { number, task, blockedBy }: Settled["tasks"][number],
  draft: Draft,
  schemas: string | undefined,
  notes: string[],
) {
  const { from, source } = draft;
  const sourceFile = task.file === "" ? undefined : draft.inRepository(task.file);
  if (task.text.length > MOST_DESCRIPTION)
    notes.push(`The text of ${task.id} was longer than ${MOST_DESCRIPTION} characters, and is cut.`);
  return {
    ...(schemas !== undefined && { $schema: `../${schemas}/task.json` }),
    id: number,
    subject: subjectOf(task),
    description: plainLines(task.text, { most: MOST_DESCRIPTION }),
    blockedBy,
    metadata: {
      source: `${from}:${source.scope ?? ""}${task.id}`,
      ...(task.touches.length > 0 && { touches: task.touches }),
      ...(task.estimateMinutes !== undefined && { estimateMinutes: task.estimateMinutes }),
      ...(sourceFile !== undefined && { x: { sourceFile, ...(source.list !== undefined && { sourceList: source.list }) } }),
    },
  };
}

function specOf(draft: Draft, notes: string[]): string {
  const { title, from, where, source, settled } = draft;
  const head = `# ${plain(title, { most: 190 })}\n\nImported from ${from}, ${plain(where, { most: 500 })}.\n`;
  if (source.documents.length === 0) {
    notes.push(
      "The source has no document that says what all of it is for: spec.md has the tasks' titles. Write there what is to come of them.",
    );
    return `${head}\nThe tasks:\n\n${settled.tasks.map(({ task }) => `- ${plain(task.title, { most: 300 })} (${task.id})`).join("\n")}\n`;
  }
  const parts = [head];
  let bytes = Buffer.byteLength(head);
  for (const document of source.documents) {
    const part = partOf(document, draft.inRepository(document.name) ?? basename(document.name));
    bytes += Buffer.byteLength(part);
    if (bytes < MAX_TEXT_BYTES) parts.push(part);
    else notes.push(`${document.name} is left out of spec.md, which would be too long with it.`);
  }
  return parts.join("\n");
}

const partOf = ({ text }: SourceFile, name: string) =>
  `---\n\n(${plain(name)})\n\n${plainLines(text.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, "").trim(), { most: MAX_TEXT_BYTES })}\n`;
