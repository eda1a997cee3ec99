import { fitOrThrow } from "../base/check-input.ts";
import { digestOf } from "./digest.ts";
import { readLedger } from "./read-ledger.ts";
import { Plan } from "./types.ts";

/** The plan that a voyage sails, as its ledger keeps it, so that the voyage does not need the plan's folder. */
export type SailedPlan = {
  plan: Plan;
  /** The absolute path of the folder that the plan was last read from; "" for a sail without one. */
  folder: string;
};

/**
 * Reads the plan that a voyage sails from its ledger. Returns null when there is no whole plan in it: a voyage of an
 * earlier version has kept only parts, until its next `up`.
 *
 * @param ledger  The path of the file, which a helm may have open.
 * @throws OcaptainError LEDGER when it cannot be read
 */
export function readSailedPlan(ledger: string): SailedPlan | null {
  return readLedger(ledger, (file) => {
    const text = file.meta("plan");
    const plan = text ? fitOrThrow(Plan, JSON.parse(text), (why) => new Error(`the plan in it does not fit: ${why}`)) : null;
    return plan && plan.digest === withDigest(plan).digest ? { plan, folder: file.meta("planFolder") } : null;
  });
}

/** The same plan for another repository. */
export const onRepository = (plan: Plan, repo: string): Plan => withDigest({ ...plan, repo });

/** The plan with the digest of what is in it. */
export function withDigest({ digest: _, ...plan }: Plan): Plan {
  return { ...plan, digest: digestOf(plan) };
}
