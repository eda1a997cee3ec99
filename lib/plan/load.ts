import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkInput } from "../base/check-input.ts";
import { nearest } from "../base/nearest.ts";
import { digestOf } from "./digest.ts";
import { type PlanFinding, sortFindings } from "./findings.ts";
import { MAX_JSON_BYTES, MAX_TEXT_BYTES } from "./limits.ts";
import { type Reach, reachOf } from "./reach.ts";
import { parseJson, readText } from "./read.ts";
import { meantRepo } from "./repo.ts";
import { CARRIAGE_RETURN, PlanFile, PlanParts } from "./schema.ts";
import { type Script, shellProblems } from "./shell-syntax.ts";
import { type FileParts, loadTasks } from "./tasks.ts";
import type { Plan, PlanTask } from "./types.ts";
import { graphWidth } from "./width.ts";

/**
 * Reads and checks a plan folder (docs/plans.md), and changes nothing in it. Returns the plan, or everything that is
 * wrong with it as sorted findings, of which a single one keeps the plan from sailing. Throws nothing for a bad plan.
 *
 * Two things are no findings, as plans of the prior art must sail unchanged: a missing verify.sh (`verify` is null);
 * and a verify.sh that is not executable, since ships run the ledger's copy of its text and never the file. What
 * voyage.json counts is counted here. A wrong number there is among the `warnings`, which keep nothing from sailing.
 *
 * @param options.repo  The setting `ocaptain:repo`, as {@link meantRepo} has read it, which goes before the `repo` of
 *   voyage.json. Without either it is the repository that the plan lies in.
 * @param options.sailedRepo  The repository of the voyage at sea, which stands in where the plan now lies in none.
 * @returns with `isMissing`, that the folder is not there at all
 */
export async function loadPlan(
  folder: string,
  options: { repo?: string | undefined; sailedRepo?: string | undefined } = {},
): Promise<{ plan: Plan; warnings: PlanFinding[] } | { findings: PlanFinding[]; isMissing?: true }> {
  const { findings, warnings, isMissing, file, repo, spec, verify, tasks, reach } = await readPlan(folder, options);
  if (findings.length > 0 || !file || repo === undefined || spec === null)
    return { findings, ...(isMissing && { isMissing: true }) };

  const plan = {
    name: file.name,
    purpose: purposeOf(spec),
    repo,
    recommendedShips: file.recommended_ships ?? null,
    width: graphWidth(tasks, reach()),
    spec,
    verify,
    tasks,
    ...(file.timeoutSeconds && { timeoutSeconds: file.timeoutSeconds }),
    ...(file.claude && { claude: file.claude }),
    ...(file.prices && Object.keys(file.prices).length > 0 && { prices: file.prices }),
    ...(file.provision?.length && { provision: file.provision }),
    ...(file.network && { network: { allow: [...new Set(file.network.allow)] } }),
    ...(file.github && { github: true as const }),
  };
  return { plan: { ...plan, digest: digestOf(plan) }, warnings };
}

/** What a plan folder holds, as far as it can be read, with all that is wrong with it. */
export type PlanReading = {
  findings: PlanFinding[];
  /** What is not as it says, and keeps nothing from sailing, since nothing reads it. */
  warnings: PlanFinding[];
  /** Present when the folder is not there at all. */
  isMissing?: true;
  /** What voyage.json says; null where it is missing or does not fit. */
  file: PlanFile | null;
  repo: string | undefined;
  /** The text of spec.md; null where it is missing, empty or no text. */
  spec: string | null;
  /** The text of verify.sh; null in the same cases. */
  verify: string | null;
  /** The tasks whose own files are right. Their edges may lead nowhere, or in a circle, where there are findings. */
  tasks: PlanTask[];
  /**
   * Computes who waits for whom, once.
   * @throws OcaptainError CYCLE
   */
  reach: () => Reach;
};

/** Reads and checks a plan folder as {@link loadPlan} does, and returns also the parts of one that cannot sail. */
export async function readPlan(
  folder: string,
  options: { repo?: string | undefined; sailedRepo?: string | undefined } = {},
): Promise<PlanReading> {
  const problem = await folderProblem(folder);
  if (problem)
    return {
      findings: [{ file: ".", field: "", message: problem.message }],
      ...(problem.isMissing && { isMissing: true }),
      ...{ warnings: [], file: null, repo: options.repo, spec: null, verify: null, tasks: [], reach: () => reachOf([]) },
    };

  const [voyage, spec, verify, tasks] = await Promise.all([
    loadVoyage(folder, options),
    loadText(folder, "spec.md", "required"),
    loadText(folder, "verify.sh", "optional"),
    loadTasks(folder),
  ]);
  const findings = [...voyage.findings, ...spec.findings, ...verify.findings, ...tasks.findings];
  if (verify.isMissing) findings.push(...(await misnamed(folder, "verify.sh")));
  if (verify.text?.includes("\r"))
    findings.push({
      file: "verify.sh",
      field: "",
      message: `${CARRIAGE_RETURN}: sed -i 's/\\r$//' ${join(folder, "verify.sh")}`,
    });
  findings.push(...(await shellProblems(scriptsOf(voyage.parts, verify.text, tasks.parts))));
  let known: Reach | undefined;
  const reach = () => {
    known ??= reachOf(tasks.tasks);
    return known;
  };
  const said = voyage.parts?.max_parallel_width;
  const width = said != null && findings.length === 0 ? graphWidth(tasks.tasks, reach()) : null;
  return {
    findings: sortFindings(findings),
    warnings: [
      ...miscounted("max_parallel_width", said, width, "the most tasks that can run at one time"),
      ...miscounted("total_tasks", voyage.parts?.total_tasks, tasks.files, "the tasks that are there"),
    ],
    file: voyage.file,
    repo: voyage.repo,
    spec: spec.text,
    verify: verify.text,
    tasks: tasks.tasks,
    reach,
  };
}

/** Warns of a number of voyage.json that is not so. Nothing reads it, and the one that counts is computed. */
function miscounted(field: string, said: number | null | undefined, counted: number | null, what: string): PlanFinding[] {
  if (said == null || counted === null || said === counted) return [];
  return [
    { file: "voyage.json", field, message: `is ${said}, and should be ${counted}, ${what}: it is not read, and may be left out` },
  ];
}

/**
 * Says in one line of at most 200 characters what a spec is for: its first heading, else what follows "Objective:",
 * else its first line.
 */
export function purposeOf(spec: string): string {
  const lines = spec.split("\n").map((line) => line.trim());
  const heading = lines.map((line) => /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1]).find(Boolean);
  const objective = lines.map((line) => /^\**objective\**\s*:\**\s*(.+)$/i.exec(line)?.[1]).find(Boolean);
  const purpose = heading ?? objective ?? lines.find((line) => line !== "") ?? "";
  return purpose.length > 200 ? `${purpose.slice(0, 199)}…` : purpose;
}

async function folderProblem(folder: string): Promise<{ message: string; isMissing: boolean } | null> {
  try {
    const isFolder = (await stat(folder)).isDirectory();
    return isFolder ? null : { message: "is a file, and no folder of a plan (spec.md, voyage.json, tasks/)", isMissing: false };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") return { message: `cannot be read: ${code}`, isMissing: false };
    return { message: `there is no such folder; it would be ${resolve(folder)}`, isMissing: true };
  }
}

async function loadVoyage(
  folder: string,
  { repo, sailedRepo }: { repo?: string | undefined; sailedRepo?: string | undefined },
): Promise<{ file: PlanFile | null; parts: PlanParts | null; repo: string | undefined; findings: PlanFinding[] }> {
  const findings: PlanFinding[] = [];
  const finding = (message: string, field = "") => findings.push({ file: "voyage.json", field, message });
  const none = { file: null, parts: null, repo, findings };

  const reading = readText(join(folder, "voyage.json"), MAX_JSON_BYTES);
  if ("problem" in reading) {
    finding(reading.problem);
    return none;
  }
  const json = parseJson(reading.text);
  if ("problem" in json) {
    finding(json.problem);
    return none;
  }
  for (const { field, message } of json.repeated) finding(message, field);
  const checked = checkInput(PlanFile, json.value);
  if ("problems" in checked) for (const { field, message } of checked.problems) finding(message, field);
  const file = "data" in checked ? checked.data : null;
  const parts = PlanParts.safeParse(json.value).data ?? null;
  // Without a repository there is a finding of it already.
  if (!parts || parts.repo === null || repo !== undefined) return { file, parts, repo, findings };
  const meant = meantRepo(parts.repo ?? ".", folder);
  if ("repo" in meant) return { file, parts, repo: meant.repo, findings };
  if (sailedRepo !== undefined && ["", ".", "./"].includes(parts.repo ?? "")) return { file, parts, repo: sailedRepo, findings };
  finding(
    parts.repo == null ? `is missing, ocaptain:repo is not set, and ${folder} lies in no repository` : meant.problem,
    "repo",
  );
  return { file, parts, repo: undefined, findings };
}

/**
 * Finds files whose name is like that of the missing `file`, such as `verfiy.sh`. Nothing would read them, and the
 * voyage would end without having been verified.
 */
async function misnamed(folder: string, file: string): Promise<PlanFinding[]> {
  const names = await readdir(folder).catch(() => []);
  const alike = names.filter(
    (name) => nearest(name, [file]) !== undefined || name.replace(/\.[^.]*$/, "") === file.replace(/\.[^.]*$/, ""),
  );
  return alike.map((name) => ({ file: name, field: "", message: `is not read; did you mean ${file}?` }));
}

function scriptsOf(voyage: PlanParts | null, verify: string | null, tasks: readonly FileParts[]): Script[] {
  const scripts: Script[] = [];
  const add = (file: string, field: string, text: unknown) => {
    if (typeof text === "string" && !text.includes("\r")) scripts.push({ file, field, text });
  };
  add("verify.sh", "", verify);
  for (const [i, step] of (voyage?.provision ?? []).entries()) add("voyage.json", `provision[${i}].run`, step?.run);
  for (const { file, parts } of tasks)
    for (const field of ["rehearsal", "check"] as const) add(file, `metadata.${field}`, parts.metadata[field]);
  return scripts;
}

async function loadText(
  folder: string,
  file: string,
  need: "required" | "optional",
): Promise<{ text: string | null; isMissing?: boolean; findings: PlanFinding[] }> {
  const bad = (message: string) => ({ text: null, findings: [{ file, field: "", message }] });
  const reading = readText(join(folder, file), MAX_TEXT_BYTES);
  if ("problem" in reading)
    return reading.missing && need === "optional" ? { text: null, isMissing: true, findings: [] } : bad(reading.problem);
  // An empty verify.sh would succeed on any branch, and so prove nothing.
  return reading.text.trim() === "" ? bad("is empty") : { text: reading.text, findings: [] };
}
