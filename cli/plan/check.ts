import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { type PlanFinding, sortFindings } from "../../lib/plan/findings.ts";
import { type PlanReading, readPlan } from "../../lib/plan/load.ts";
import { lookAtRepository } from "../../lib/preflight/repository.ts";
import { lineOf } from "./lines.ts";
import { warningsOf } from "./warnings/warnings.ts";

/** One thing that was found in a plan. An error keeps it from sailing; a warning is probably not what was meant. */
export type Remark = PlanFinding & {
  severity: "error" | "warning";
  /** The line in the file, from 1; null where no line is meant. */
  line: number | null;
  /** A command or an edit that helps; "" where the message says it all. */
  hint: string;
};

/**
 * Finds everything that is wrong with a plan's folder at once, with the repository that its voyage would begin from.
 * What preflight refuses is an error here too, by the same look. Changes nothing.
 *
 * @param options.stack  the name that the voyage would have
 */
export async function checkPlan(
  folder: string,
  options: { stack: string; repo?: string | undefined; base?: string | undefined },
): Promise<{ reading: PlanReading; remarks: Remark[] }> {
  const reading = await readPlan(folder, { repo: options.repo });
  const remarks = [
    ...reading.findings.map((finding) => ({ ...finding, severity: "error" as const, hint: "" })),
    ...[...reading.warnings, ...warningsOf(reading)].map((finding) => ({ ...finding, severity: "warning" as const, hint: "" })),
    ...(await repositoryRemarks(reading, options)),
  ];
  return { reading, remarks: await withLines(folder, remarks) };
}

type Unplaced = Omit<Remark, "line">;

/** Finds what is wrong with the repository; nothing where the plan names none that can be looked at. */
async function repositoryRemarks(
  { repo }: PlanReading,
  { stack, base, repo: named }: { stack: string; repo?: string | undefined; base?: string | undefined },
): Promise<Unplaced[]> {
  if (repo === undefined) return [];
  const about = named === undefined ? { file: "voyage.json", field: "repo" } : { file: ".", field: "" };
  try {
    // Its warnings are of what the repository's checkout holds now, and no finding about the plan.
    const { findings } = await lookAtRepository(repo, stack, null, base);
    return findings.map(({ message, hint }) => ({ ...about, severity: "error" as const, message, hint }));
  } catch (error) {
    if (!(error instanceof OcaptainError)) throw error;
    return [{ ...about, severity: "error", message: error.message, hint: error.hint ?? "" }];
  }
}

/** Adds to each remark the line that it is about, and puts them in the order of files, lines and fields. */
async function withLines(folder: string, remarks: readonly Unplaced[]): Promise<Remark[]> {
  const texts = new Map<string, string>();
  for (const file of new Set(remarks.map(({ file }) => file)))
    texts.set(file, await readFile(join(folder, file), "utf8").catch(() => ""));
  const placed = remarks.map((remark) => ({ ...remark, line: lineOf(remark, texts.get(remark.file) ?? "") }));
  return sortFindings(placed);
}
