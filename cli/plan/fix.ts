import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { JSONPath } from "jsonc-parser";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { byId } from "../../lib/plan/graph.ts";
import { MAX_TEXT_BYTES } from "../../lib/plan/limits.ts";
import { readText } from "../../lib/plan/read.ts";
import { type Fix, JsonFile } from "./json-file.ts";

/**
 * Mends what is mechanical in a plan's folder, where there is one right way only, and returns what it did. All else of
 * each file stays as it was written. Files that cannot be read or parsed are left alone.
 */
export async function fixPlan(folder: string): Promise<Fix[]> {
  const names = (await readdir(join(folder, "tasks")).catch(() => [])).filter((name) => /^\d+\.json$/.test(name));
  const tasks = new Map<string, JsonFile>();
  for (const name of names.sort((a, b) => byId(a, b))) {
    const file = await JsonFile.open(folder, `tasks/${name}`);
    if (file) tasks.set(name.replace(/\.json$/, ""), file);
  }
  const voyage = await JsonFile.open(folder, "voyage.json");
  for (const [id, file] of tasks) {
    fixIds(id, file);
    fixCommands(file, [
      ["metadata", "check"],
      ["metadata", "rehearsal"],
    ]);
  }
  fixBlocks(tasks);
  if (voyage) {
    const steps = voyage.value.provision;
    const paths = Array.isArray(steps)
      ? steps.flatMap((_, i): JSONPath[] => [
          ["provision", i],
          ["provision", i, "run"],
        ])
      : [];
    fixCommands(voyage, paths);
    const total = voyage.value.total_tasks;
    if (typeof total === "number" && total !== names.length)
      voyage.set(["total_tasks"], names.length, `was ${total}, and is ${names.length}, as many as tasks/ holds`);
  }
  const files = [...tasks.values(), ...(voyage ? [voyage] : [])];
  for (const file of files) await file.save();
  return [...files.flatMap(({ fixes }) => fixes), ...(await fixVerify(folder))];
}

/** Makes ids text, as JSON of other tools has numbers there. */
function fixIds(id: string, file: JsonFile): void {
  if (file.value.id === Number(id)) file.set(["id"], id, `was the number ${id}, and is now text, "${id}"`);
  for (const field of ["blocks", "blockedBy"] as const) {
    const list = file.value[field];
    if (!Array.isArray(list)) continue;
    for (const [i, entry] of list.entries())
      if (typeof entry === "number" && Number.isSafeInteger(entry) && entry >= 0)
        file.set([field, i], String(entry), `was the number ${entry}, and is now text, "${entry}"`);
  }
}

/** Takes the carriage returns of Windows' line ends out of commands. */
function fixCommands(file: JsonFile, paths: readonly JSONPath[]): void {
  for (const path of paths) {
    const command = path.reduce<unknown>(
      (value, key) => (value as Record<string | number, unknown> | undefined)?.[key],
      file.value,
    );
    if (typeof command === "string" && command.includes("\r"))
      file.set(path, withoutReturns(command), "had carriage returns, which are gone");
  }
}

/**
 * Writes the lists `blocks` that are there as the lists `blockedBy` of the others have them. Where a task has no such
 * list itself, who blocks it is said by the others' `blocks` alone, and these stay.
 */
function fixBlocks(tasks: ReadonlyMap<string, JsonFile>): void {
  const waiting = new Map<string, string[]>([...tasks.keys()].map((id) => [id, []]));
  for (const [id, { value }] of tasks)
    if (Array.isArray(value.blockedBy)) for (const blocker of new Set(value.blockedBy)) waiting.get(String(blocker))?.push(id);
  for (const [id, file] of tasks) {
    const { blocks } = file.value;
    if (!Array.isArray(blocks)) continue;
    const says = (other: string) => Array.isArray(tasks.get(other)?.value.blockedBy);
    const added = waiting.get(id)!.filter((other) => !blocks.includes(other));
    const gone = blocks.filter((other) => says(String(other)) && !waiting.get(id)!.includes(String(other)));
    if (added.length + gone.length === 0) continue;
    const kept = blocks.filter((other) => !gone.includes(other)).map(String);
    const why = [
      ...added.map((other) => `now has ${other}, as task ${other} waits for ${id} by its blockedBy`),
      ...gone.map((other) => `has ${other} no more, as task ${other} does not wait for ${id} by its blockedBy`),
    ];
    file.set(["blocks"], [...kept, ...added].sort(byId), why.join("; "));
  }
}

async function fixVerify(folder: string): Promise<Fix[]> {
  const file = "verify.sh";
  const reading = readText(join(folder, file), MAX_TEXT_BYTES);
  if ("problem" in reading || !reading.text.includes("\r")) return [];
  await writeAtomically(join(folder, file), withoutReturns(reading.text), 0o755);
  return [{ file, field: "", message: "had carriage returns, which are gone" }];
}

const withoutReturns = (text: string) => text.replace(/\r+\n/g, "\n").replaceAll("\r", "\n");
