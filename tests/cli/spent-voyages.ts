import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { voyageFolder } from "../../lib/base/paths.ts";
import type { ModelUsage } from "../../lib/protocol/ship-reports.ts";
import { COLUMNS } from "../../lib/telemetry/schema.ts";
import { boardPaperShip, handClock, openPaperVoyage } from "../helm/paper.ts";
import { makePlan } from "../support/helm-voyage.ts";

/** Makes voyages that have spent something, with real ledgers, and telemetry as Parquet. */

/** Rows of telemetry; what is left out of one is null. */
export type Told = Partial<Record<keyof typeof COLUMNS, string | number>>;

/** Writes rows as a file of a table's folder, as the intake does. */
export async function writeTelemetry(
  folder: string,
  table: string,
  rows: readonly Told[],
  part = 1,
  day = "2026-11-28",
): Promise<string> {
  const days = join(folder, table, `day=${day}`);
  mkdirSync(days, { recursive: true });
  const file = join(days, `part-${String(part).padStart(6, "0")}.parquet`);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const shape = JSON.stringify([COLUMNS]).replaceAll("'", "''");
  const made = await connection.prepare(`CREATE TABLE told AS SELECT unnest(from_json($1::JSON, '${shape}'), recursive := true)`);
  made.bindVarchar(1, JSON.stringify(rows));
  await made.run();
  await connection.run(`COPY told TO '${file}' (FORMAT parquet, COMPRESSION zstd)`);
  connection.closeSync();
  instance.closeSync();
  return file;
}

const identity = (stack: string, voyageId: string, more: object = {}) => ({
  ...{ voyageId, stack, captainId: "0123456789ab", nonce: "n", createdAt: "2026-11-28T09:00:00.000Z" },
  ...more,
});
const tokens = { inputTokens: 100, outputTokens: 10, cacheReadTokens: 890, cacheCreationTokens: 0 };
export const model = (name: string, costUsd: number, basis: ModelUsage["basis"] = "reported"): ModelUsage => ({
  ...{ model: name, basis, costUsd },
  ...tokens,
});

/** Sails a voyage on paper, as `story` tells. */
export async function sailed(
  stack: string,
  id: string,
  plan: { graph: Record<string, string[]>; verify?: string },
  story: (at: {
    pass: (minutes: number) => void;
    board: (name: string) => Promise<Awaited<ReturnType<typeof boardPaperShip>> & Spender>;
    voyage: Awaited<ReturnType<typeof openPaperVoyage>>;
  }) => Promise<void>,
  more: object = {},
): Promise<void> {
  const folder = voyageFolder(stack);
  mkdirSync(folder.root, { recursive: true });
  writeFileSync(folder.voyageFile, JSON.stringify(identity(stack, id, more)));
  const clock = handClock();
  clock.pass((Date.parse("2026-11-28T10:00:00Z") - clock.wallMs()) / 1000);
  const timing = { leaseSeconds: 1e6, heartbeatSeconds: 60 };
  const voyage = await openPaperVoyage({ file: folder.ledger, graph: plan.graph, timing, clock, id });
  await voyage.register({
    stack,
    plan: makePlan(plan.graph, plan.verify === undefined ? {} : { verify: plan.verify }),
    hand: "rehearsal",
    timing,
  });
  await story({
    pass: (minutes) => clock.pass(60 * minutes),
    voyage,
    async board(name) {
      const ship = await boardPaperShip(voyage, name);
      await ship.hello();
      return { ...ship, spend: spender(voyage, ship.caller, name) };
    },
  });
  voyage.ledger.close();
}

type Spender = { spend: ReturnType<typeof spender> };
type Voyage = Awaited<ReturnType<typeof openPaperVoyage>>;

/** Tells of runs: `claim` is null for one of no task, and `models` are absent as with a ship of earlier code. */
function spender(voyage: Voyage, caller: Parameters<Voyage["calls"]["answer"]>[1], name: string) {
  const asks = () => ({ requestId: randomUUID(), incarnation: `vm-${name}` });
  return async (claim: { task: string; epoch: number } | null, costUsd: number, models?: ModelUsage[]) => {
    const session = randomUUID();
    if (claim) await voyage.calls.answer("session", caller, { ...asks(), ...claim, session });
    const times = Math.max(1, models?.length ?? 1);
    const usage = {
      ...{ costUsd, turns: 1, seconds: 60 },
      ...(Object.fromEntries(Object.entries(tokens).map(([key, count]) => [key, count * times])) as typeof tokens),
      ...(models && { models }),
    };
    await voyage.calls.answer("usage", caller, { ...asks(), ...claim, session, run: randomUUID(), usage });
  };
}
