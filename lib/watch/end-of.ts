import { readLedger } from "../plan/read-ledger.ts";

/**
 * What a voyage that has sunk had come to, by its ledger: `verified`, or `done` where its plan has no verify.sh. null
 * where tasks were left, verify.sh failed or never ran at this tip, or the ledger cannot be read.
 *
 * @param tip  the newest commit of the voyage's branch
 */
export function endOf(ledger: string, tip: string | null): "verified" | "done" | null {
  try {
    return readLedger(ledger, (file) => {
      if (file.meta("name") === "" || file.left() > 0) return null;
      const script = file.meta("verify");
      if (script === "") return "done";
      return tip !== null && file.verification(tip, script) === 0 ? "verified" : null;
    });
  } catch {
    return null; // Of an earlier version, or broken: nothing is claimed of it.
  }
}
