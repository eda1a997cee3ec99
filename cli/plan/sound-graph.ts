import { OcaptainError } from "../../lib/base/errors.ts";
import { typedWord } from "../../lib/base/shell-word.ts";
import { readPlan } from "../../lib/plan/load.ts";
import type { PlanTask } from "../../lib/plan/types.ts";

/**
 * Reads the tasks of a plan whose graph is sound, whatever else is wrong with it.
 * @param word  the folder as it was typed, for the hint
 * @throws OcaptainError BAD_PLAN
 */
export async function readSoundGraph(folder: string, word: string): Promise<{ name: string; tasks: PlanTask[] }> {
  const { findings, file, tasks } = await readPlan(folder);
  const [first] = findings.filter((finding) => /^(\.$|tasks\b)/.test(finding.file));
  if (!first) return { name: file?.name ?? word, tasks };
  throw new OcaptainError(
    "BAD_PLAN",
    `plan ${word} has no graph that could be shown: ${first.file}${first.field && ` ${first.field}`}: ${first.message}`,
    { hint: `ocaptain plan check ${typedWord(word)}` },
  );
}
