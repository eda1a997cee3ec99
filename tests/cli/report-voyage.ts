import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Voyage } from "../../helm/voyage/voyage.ts";
import { voyageFolderAt } from "../../lib/base/paths.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { boardPaperShip, handClock, openPaperVoyage, paperBranch } from "../helm/paper.ts";

// Voyages for reports: the real ledger and its rules, in this process, with a clock that the test moves.

export const TIMING = { leaseSeconds: 600, heartbeatSeconds: 60, fenceSeconds: 400, lingerSeconds: 5 };
type Held = { task: string; epoch: number };
type Wish = Omit<Parameters<typeof openPaperVoyage>[0], "file" | "timing" | "clock" | "branch">;

/** Opens a voyage in a folder of its own, as a captain has it. `at` is a time so many seconds after its begin. */
export async function openReportVoyage(root: string, wish: Wish) {
  const clock = handClock();
  const branch = paperBranch();
  const folder = voyageFolderAt(join(root, "v"), "v");
  const begun = clock.wallMs();
  const at = (seconds: number) => new Date(begun + seconds * 1000).toISOString();
  const voyage = await openPaperVoyage({ ...wish, file: folder.ledger, timing: TIMING, clock, branch });
  const file = { voyageId: "abc123", stack: "v", captainId: "0123456789ab", nonce: "n", createdAt: at(0) };
  return {
    ...{ voyage, clock, branch, folder, at },
    /** Lets the clock pass to a time after the begin. */
    to: (seconds: number) => clock.pass(seconds - (clock.wallMs() - begun) / 1000),
    come: (name: string, incarnation?: string) => come(voyage, name, incarnation),
    /** The voyage as the captain knows it; `sunkAt` when it has sunk. */
    known: (sunkAt?: string): KnownVoyage => ({ file: { ...file, ...(sunkAt && { sunkAt }) }, folder }),
  };
}

/** A ship that has said hello and whose hand is proven, with all that it can say. */
async function come(voyage: Voyage, name: string, incarnation?: string) {
  const ship = await boardPaperShip(voyage, name, incarnation);
  const { caller } = ship;
  const ask = () => ({ requestId: randomUUID(), incarnation: caller.incarnation });
  await ship.hello();
  if (voyage.ledger.meta("hand") === "claude") await voyage.calls.answer("trial", caller, { ...ask(), fit: true, message: "" });
  return {
    ...ship,
    claimed: async (): Promise<Held> => {
      const { task, epoch } = await ship.grant();
      return { task: task.id, epoch };
    },
    delivers: ({ task, epoch }: Held, summary = `did ${task}`) =>
      ship.accept(task, epoch, { summary, commit: "1".repeat(40), check: { exitCode: 0, output: "" } }),
    givesBack: (held: Held, reason: string, failed: boolean) =>
      voyage.calls.answer("release", caller, { ...ask(), ...held, reason, failed }),
    asks: (held: Held, question: string) => voyage.calls.answer("ask", caller, { ...ask(), ...held, question }),
    limited: (until: string) => voyage.calls.answer("limited", caller, { ...ask(), until, message: "5-hour limit reached" }),
    spends: async (held: Held | null, costUsd: number, tokens = 1_000) => {
      const session = randomUUID();
      if (held) await voyage.calls.answer("session", caller, { ...ask(), ...held, session });
      const usage = {
        costUsd,
        inputTokens: tokens,
        outputTokens: 10,
        cacheReadTokens: 0,
        cacheCreationTokens: 0,
        turns: 2,
        seconds: 3,
      };
      await voyage.calls.answer("usage", caller, { ...ask(), ...held, session, run: randomUUID(), usage });
    },
    verification: async () => {
      const reply = await ship.claim();
      if (reply.kind !== "verify") throw new Error(`no verification: ${JSON.stringify(reply)}`);
      return { epoch: reply.epoch, commit: reply.commit };
    },
    verified: (held: { epoch: number; commit: string }, exitCode: number, output: string) =>
      voyage.calls.answer("verified", caller, { ...ask(), ...held, exitCode, output, seconds: 1 }),
  };
}
