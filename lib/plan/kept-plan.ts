import { readFile } from "node:fs/promises";
import { writeAtomically } from "../base/atomic-file.ts";
import { fitOrThrow } from "../base/check-input.ts";
import { counted } from "../base/counted.ts";
import { OcaptainError } from "../base/errors.ts";
import { voyageFolder } from "../base/paths.ts";
import { digestOf } from "./digest.ts";
import { readSailedPlan, withDigest } from "./sailed-plan.ts";
import { Plan } from "./types.ts";

// The engine writes the whole state at each step of each resource, so that a plan in it would be written some hundred
// times in an `up`. State has digests of it; the plan itself goes from the program to its providers by a file.

/** What stands in state for the plan. */
export const planMarks = (plan: Pick<Plan, "digest" | "name" | "tasks">) => ({
  planDigest: plan.digest,
  planSummary: `${plan.name}: ${counted(plan.tasks.length, "task")}`,
});

/** What stands in state for the texts of the plan's spec.md and verify.sh. */
export const textsDigest = ({ spec, verify }: Pick<Plan, "spec" | "verify">) => digestOf({ spec, verify });

/** Puts the plan into the captain's folder of a voyage, where the providers of this `up` read it. */
export async function keepPlan(stack: string, plan: Plan): Promise<void> {
  const { planFile } = voyageFolder(stack);
  const text = JSON.stringify(plan);
  if ((await readFile(planFile, "utf8").catch(() => null)) !== text) await writeAtomically(planFile, text);
}

/** For each stack the plan that this process has read last: two of its resources read the same. */
const read = new Map<string, Plan>();

/**
 * Reads the plan that is to sail, which the program has put into the captain's folder. Where the file is lost or has
 * another plan, the ledger may have the right one.
 * @param isMeant  whether a plan is the one that state means
 * @throws OcaptainError PLAN_GONE when it is in neither
 */
export async function keptPlan(stack: string, isMeant: (plan: Plan) => boolean): Promise<Plan> {
  const { planFile, ledger } = voyageFolder(stack);
  const looks = [() => read.get(stack), () => readPlan(planFile), () => readSailedPlan(ledger)?.plan];
  for (const look of looks) {
    const plan = await look();
    if (!plan || !isMeant(plan)) continue;
    read.set(stack, plan);
    return plan;
  }
  throw new OcaptainError("PLAN_GONE", `${planFile} is not the plan that is to sail, and the ledger does not have it either`, {
    hint: `pulumi up -s ${stack}  # it reads the plan's folder, and writes that file anew`,
  });
}

/** Reads a whole plan from the file; null when it is not there, or holds anything else. */
async function readPlan(file: string): Promise<Plan | null> {
  try {
    const plan = fitOrThrow(Plan, JSON.parse(await readFile(file, "utf8")), (why) => new Error(why));
    return withDigest(plan).digest === plan.digest ? plan : null;
  } catch {
    return null;
  }
}
