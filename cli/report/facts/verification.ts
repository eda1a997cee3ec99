import { createHash } from "node:crypto";
import type { VoyageEvent } from "../../../lib/protocol/events.ts";
import type { Claim, VerificationFacts, VerifyRun } from "./facts.ts";
import type { Tables } from "./tables.ts";

/** How much of what verify.sh printed is told: its last lines, and at most so many characters of them. */
const LINES = 20;
const MOST = 4_000;

/**
 * The runs of verify.sh: those of which events tell, and those that the ledger has a row of. Of a result that was
 * forgotten so that verify.sh could run again only the last line is known.
 *
 * @param tip  the branch's newest commit
 */
export function verificationOf(
  events: readonly VoyageEvent[],
  claims: readonly Claim[],
  { verifications, lives, meta }: Tables,
  tip: string | null,
): VerificationFacts {
  const shipOf = new Map(lives.map(({ life, ship }) => [life, ship]));
  const rows = new Map(verifications.map((row) => [row.epoch, row]));
  const runs = new Map<number, VerifyRun>();
  for (const { epoch, ship, from, to, end } of claims.filter(({ kind }) => kind === "verify"))
    runs.set(epoch, {
      ...{ epoch, ship, commit: null, at: from, exitCode: null, lastLines: null },
      seconds: to === null ? null : (Date.parse(to) - Date.parse(from)) / 1000,
      end: end === "passed" || end === "failed" || end === "dropped" || end === "open" ? end : "not known",
    });
  for (const { kind, epoch, data, reason } of events) {
    const run = kind.startsWith("verification-") ? runs.get(epoch ?? 0) : undefined;
    if (!run) continue;
    if (typeof data?.commit === "string") run.commit = data.commit;
    if (typeof data?.exitCode === "number") run.exitCode = data.exitCode;
    if (reason !== undefined) run.lastLines = lastLines(reason);
  }
  for (const { epoch, status, life, at, commit_id, exit_code, output } of rows.values()) {
    const end = status === "dropped" ? "dropped" : status === "claimed" ? "open" : exit_code === 0 ? "passed" : "failed";
    const known = runs.get(epoch) ?? { epoch, ship: shipOf.get(life ?? -1) ?? null, at, seconds: null };
    runs.set(epoch, {
      ...known,
      end,
      commit: commit_id,
      exitCode: exit_code,
      lastLines: output === null ? null : lastLines(output),
    });
  }
  const digest = createHash("sha256").update(meta.verify).digest("hex");
  const now = verifications.findLast((row) => row.status === "done" && row.commit_id === tip && row.script === digest);
  return {
    script: meta.verify || null,
    runs: [...runs.values()].sort((a, b) => a.epoch - b.epoch),
    now: now?.exit_code == null ? null : { commit: now.commit_id, exitCode: now.exit_code, at: now.at },
  };
}

const lastLines = (output: string) => output.trimEnd().split("\n").slice(-LINES).join("\n").slice(-MOST);
