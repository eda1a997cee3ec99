import { OcaptainError } from "../../lib/base/errors.ts";
import { type KnownAnswer, MOST_OPEN_PROBES, type ProbeResult, type ProbeRow, type Probes } from "../../lib/protocol/probes.ts";
import type { ClaimReply } from "../../lib/protocol/ship-claims.ts";
import type { UnverifiedRequest, VerifiedRequest } from "../../lib/protocol/ship-reports.ts";
import { noteEvent } from "./events.ts";
import { forgetFaults, MOST_LOSSES, noteFault } from "./faults.ts";
import { type Ledger, type Life, sha256 } from "./ledger.ts";
import { pauseOf } from "./pause.ts";
import { MOST_OUTPUT, verifyOrder } from "./verifications.ts";

/**
 * Probes: runs of verify.sh at commits that the captain has named (lib/protocol/probes.ts). A ship is given one by the
 * same order as the verification, and answers it by the same calls, so that no crew has to know of them: only the
 * number of the run tells them apart, which is never used twice. Each function that changes something runs inside one
 * write of the store.
 */

/** How many results are kept, the newest. */
const MOST_KEPT = 1_000;

type Probe = {
  epoch: number;
  commit_id: string;
  script: string;
  status: ProbeRow["status"];
  later: string;
  life: number | null;
  ship: string | null;
  lost: number;
  exit_code: number | null;
  output: string | null;
  reason: string | null;
  since: string;
  at: string;
};

/**
 * Notes that the captain wants to know how verify.sh ends at `commit`.
 * @throws OcaptainError NO_VERIFY, TOO_MANY_PROBES
 */
export function askProbe(ledger: Ledger, commit: string, later: readonly string[]): ProbeRow {
  const script = ledger.meta("verify");
  const hint = `ocaptain status ${ledger.meta("stack")}`;
  if (!script) throw new OcaptainError("NO_VERIFY", "the voyage's plan has no verify.sh", { hint });
  if (openProbes(ledger).length >= MOST_OPEN_PROBES)
    throw new OcaptainError("TOO_MANY_PROBES", `${MOST_OPEN_PROBES} runs of verify.sh wait already`, { hint });
  const epoch = nextRun(ledger);
  ledger.store.run(
    "INSERT INTO probes (epoch, commit_id, script, status, later, since, at) VALUES (?1, ?2, ?3, 'waiting', ?4, ?5, ?5)",
    epoch,
    commit,
    sha256(script),
    JSON.stringify(later),
    ledger.at(),
  );
  noteEvent(ledger, "probe-asked", { epoch, data: { commit } });
  ledger.store.run("DELETE FROM probes WHERE status IN ('done', 'cancelled') AND epoch <= ?", epoch - MOST_KEPT);
  return rowOf(find(ledger, epoch)!);
}

/**
 * The next number of a run. It is taken from the verifications' own sequence, so that no number means both a
 * verification and a probe.
 */
function nextRun(ledger: Ledger): number {
  const { store } = ledger;
  const raised = store.run("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'verifications'");
  if (raised.changes === 0) store.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('verifications', 1)");
  return store.one<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'verifications'")!.seq;
}

/** The probe that this life holds. */
export const probeOf = (ledger: Ledger, life: number): Probe | undefined =>
  ledger.store.one<Probe>("SELECT * FROM probes WHERE status = 'claimed' AND life = ?", life);

/** The probes that wait for a ship, by when they were asked for; none while the voyage is paused. */
export function waitingProbes(ledger: Ledger): { epoch: number; later: string[]; since: string }[] {
  if (pauseOf(ledger)) return [];
  return ledger.store
    .all<Probe>("SELECT * FROM probes WHERE status = 'waiting' ORDER BY epoch")
    .map(({ epoch, later, since }) => ({ epoch, later: JSON.parse(later) as string[], since }));
}

/**
 * Gives this life the first probe that it may have now; undefined when there is none for it.
 * @param patienceMs how long a probe waits for the ships that are to have it rather than others
 */
export function beginProbe(ledger: Ledger, life: Life, patienceMs: number): ClaimReply | undefined {
  const now = Date.parse(ledger.at());
  const mine = waitingProbes(ledger).find(
    ({ later, since }) => !later.includes(life.ship) || now - Date.parse(since) >= patienceMs,
  );
  if (!mine) return undefined;
  ledger.store.run(
    "UPDATE probes SET status = 'claimed', life = ?, ship = ?, at = ? WHERE epoch = ?",
    life.life,
    life.ship,
    ledger.at(),
    mine.epoch,
  );
  const probe = find(ledger, mine.epoch)!;
  noteEvent(ledger, "probe-granted", { ship: life.ship, epoch: probe.epoch, data: { commit: probe.commit_id } });
  return probeOrder(ledger, probe);
}

/** The answer to a claim by which a ship is given the probe. */
export const probeOrder = (ledger: Ledger, { epoch, commit_id }: Pick<Probe, "epoch" | "commit_id">): ClaimReply =>
  verifyOrder(ledger, epoch, commit_id);

/**
 * Says whether a ship without work is to stay for a while: probes wait or are under way, or one has ended just now, on
 * which the next one is likely to follow.
 */
export function areProbesUnderWay(ledger: Ledger, lingerMs: number): boolean {
  const newest = ledger.store.one<{ at: string }>("SELECT at FROM probes WHERE status = 'done' ORDER BY at DESC LIMIT 1");
  const isFresh = newest !== undefined && Date.parse(ledger.at()) - Date.parse(newest.at) < lingerMs;
  return isFresh || openProbes(ledger).length > 0;
}

/** Records the result of a probe; returns false when this life holds no such probe. */
export function probed(ledger: Ledger, life: number, ask: VerifiedRequest): boolean {
  const probe = held(ledger, life, ask);
  if (!probe) return false;
  forgetFaults(ledger, life);
  end(ledger, probe, ask.exitCode, ask.output);
  return true;
}

/** Notes that a ship could not run a probe; returns false when this life holds no such probe. */
export function unprobed(ledger: Ledger, life: number, ask: UnverifiedRequest): boolean {
  const probe = held(ledger, life, ask);
  if (!probe) return false;
  if (!ask.away) noteFault(ledger, life, ask.reason);
  // A line that is down is nobody's fault, and another ship may reach the helm.
  putBack(ledger, probe, ask.reason, probe.lost);
  return true;
}

/** Gives the probe of a ship that is gone to another; the last of several in a row ends it without a result. */
export function dropProbe(ledger: Ledger, life: number, reason: string): void {
  const probe = probeOf(ledger, life);
  if (!probe) return;
  const lost = probe.lost + 1;
  if (lost < MOST_LOSSES) putBack(ledger, probe, reason, lost);
  else end(ledger, { ...probe, lost }, -1, `no ship came to the end of it: ${reason}`);
}

/**
 * Cancels a probe that waits; one that a ship runs goes on, since its answer is good also later.
 * @throws OcaptainError NO_PROBE
 */
export function cancelProbe(ledger: Ledger, epoch: number): ProbeRow {
  const probe = need(ledger, epoch);
  if (probe.status === "waiting") cancel(ledger, probe, "the captain has taken it back");
  return rowOf(need(ledger, epoch));
}

/** Cancels the probes of another verify.sh than the plan has now: nobody asks for their answers any more. */
export function cancelStaleProbes(ledger: Ledger): void {
  const script = sha256(ledger.meta("verify") ?? "");
  for (const probe of openProbes(ledger))
    if (probe.script !== script) cancel(ledger, probe, "the plan has another verify.sh now");
}

/** Cancels all probes as the voyage sinks: a fleet that sails again is not to run what somebody asked for long ago. */
export function cancelProbes(ledger: Ledger): void {
  for (const probe of openProbes(ledger)) cancel(ledger, probe, "the voyage has sunk");
}

/** @throws OcaptainError NO_PROBE */
export function probeResult(ledger: Ledger, epoch: number): ProbeResult {
  const probe = need(ledger, epoch);
  return { ...rowOf(probe), output: probe.output };
}

/** The probes that are not through, and what is known of commits by the verify.sh that the plan has now. */
export function probes(ledger: Ledger): Probes {
  const script = sha256(ledger.meta("verify") ?? "");
  const known = ledger.store.all<KnownAnswer>(
    `SELECT 'verification' AS "of", v.epoch AS run, commit_id AS "commit", exit_code AS exitCode, lives.ship
       FROM verifications AS v LEFT JOIN lives USING (life) WHERE v.status = 'done' AND v.script = ?1
     UNION ALL SELECT 'probe', epoch, commit_id, exit_code, ship FROM probes WHERE status = 'done' AND script = ?1
     ORDER BY run`,
    script,
  );
  return { open: openProbes(ledger).map(rowOf), known };
}

const openProbes = (ledger: Ledger): Probe[] =>
  ledger.store.all<Probe>("SELECT * FROM probes WHERE status IN ('waiting', 'claimed') ORDER BY epoch");

const find = (ledger: Ledger, epoch: number) => ledger.store.one<Probe>("SELECT * FROM probes WHERE epoch = ?", epoch);

function need(ledger: Ledger, epoch: number): Probe {
  const probe = find(ledger, epoch);
  if (probe) return probe;
  throw new OcaptainError("NO_PROBE", `the voyage has no run ${epoch} of verify.sh that the captain has asked for`, {
    hint: `ocaptain status ${ledger.meta("stack")}`,
  });
}

function held(ledger: Ledger, life: number, { epoch, commit }: { epoch: number; commit: string }): Probe | undefined {
  const probe = probeOf(ledger, life);
  return probe?.epoch === epoch && probe.commit_id === commit ? probe : undefined;
}

function end(ledger: Ledger, { epoch, commit_id, ship, lost }: Probe, exitCode: number, output: string): void {
  ledger.store.run(
    "UPDATE probes SET status = 'done', exit_code = ?, output = ?, lost = ?, at = ? WHERE epoch = ?",
    exitCode,
    output.slice(-MOST_OUTPUT),
    lost,
    ledger.at(),
    epoch,
  );
  noteEvent(ledger, "probe-ended", { ship, epoch, data: { commit: commit_id, exitCode } });
}

function putBack(ledger: Ledger, { epoch, commit_id, ship }: Probe, reason: string, lost: number): void {
  ledger.store.run(
    "UPDATE probes SET status = 'waiting', life = NULL, lost = ?, reason = ?, since = ?4, at = ?4 WHERE epoch = ?3",
    lost,
    reason,
    epoch,
    ledger.at(),
  );
  noteEvent(ledger, "probe-dropped", { ship, epoch, reason, data: { commit: commit_id } });
}

function cancel(ledger: Ledger, { epoch, commit_id, ship }: Probe, reason: string): void {
  ledger.store.run(
    "UPDATE probes SET status = 'cancelled', life = NULL, reason = ?, at = ? WHERE epoch = ?",
    reason,
    ledger.at(),
    epoch,
  );
  noteEvent(ledger, "probe-dropped", { ship, epoch, reason, data: { commit: commit_id } });
}

const rowOf = ({ epoch, commit_id, status, ship, exit_code, lost, reason, at }: Probe): ProbeRow => ({
  ...{ probe: epoch, commit: commit_id, status, ship, exitCode: exit_code, lost, reason, at },
});
