import { join } from "node:path";
import { expect } from "vitest";
import { readByPyarrow } from "../support/pyarrow.ts";
import { found } from "../telemetry/intake.ts";
import { type ClaudeFleet, ID } from "./fleet.ts";

/**
 * Checks what Claude Code has told of itself by way of its ships: it is in files that another reader than ours reads,
 * under the tasks that the ledger knows, and no prompt is in it.
 */
export async function hasTelemetry(fleet: ClaudeFleet): Promise<void> {
  const status = await fleet.status();
  const inFiles = async () =>
    (await fleet.helm.telemetry()).intake?.folders.map(({ waiting, files }) => waiting === 0 && files > 0);
  await expect.poll(inFiles, { timeout: 40_000 }).toEqual([true]);
  const { telemetry } = fleet.at;
  const rows = (await readByPyarrow(join(telemetry, "logs"))) ?? (await found(`FROM '${telemetry}/logs/**/*.parquet'`));
  const answers = rows.filter(({ name }) => name === "claude_code.api_request");
  for (const { id, ship, epoch, usage } of status.tasks) {
    const own = answers.filter(({ task }) => task === id);
    expect(own.map((row) => [row.voyage, row.ship, Number(row.epoch)])).toEqual(own.map(() => [ID, ship, epoch]));
    expect(own.reduce((sum, row) => sum + Number(row.cost_usd), 0)).toBeCloseTo(usage!.costUsd, 6);
    expect(own.reduce((sum, row) => sum + Number(row.output_tokens), 0)).toBe(usage!.outputTokens);
  }
  expect(new Set(rows.map(({ service }) => service))).toEqual(new Set(["claude-code"]));
  expect(
    rows.filter(({ name, tool, status }) => name === "claude_code.tool_result" && tool === "Bash" && status === "ok").length,
  ).toBe(1);
  const metrics = await found(`SELECT name, sum(value) AS value FROM '${telemetry}/metrics/**/*.parquet' GROUP BY name`);
  expect(metrics.map(({ name }) => name)).toEqual(expect.arrayContaining(["claude_code.cost.usage", "claude_code.token.usage"]));
  expect(JSON.stringify([rows, await found(`FROM '${telemetry}/spans/**/*.parquet'`)])).not.toContain("hand of ship-0");
}
