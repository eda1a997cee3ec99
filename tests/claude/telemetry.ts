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
  await allInFiles(fleet);
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
  const spans = await found(`FROM '${telemetry}/spans/**/*.parquet'`);
  const own = spans.filter(({ task }) => task !== null);
  expect(own.map(({ name }) => name)).toEqual(expect.arrayContaining(["claude_code.llm_request", "claude_code.tool"]));
  for (const { voyage, ship, task } of own) expect([voyage, ship, task]).toEqual([ID, "ship-0", "1"]);
  const tools = own.filter(({ name }) => name === "claude_code.tool");
  expect(tools.every((row) => Number(row.duration_ms) > 0 && row.trace_id === own[0]!.trace_id && row.parent_span_id)).toBe(true);
  for (const content of CONTENTS("1")) expect(JSON.stringify([rows, spans])).not.toContain(content);
}

/** A word of the prompt of a task, and of the command that its agent has run. */
const CONTENTS = (task: string) => ["Every task writes its file", `out/${task}`];

/** Checks that what was said and done in a task is in the telemetry: contents were asked for. */
export async function hasContents(fleet: ClaudeFleet, task: string): Promise<void> {
  await allInFiles(fleet);
  const { telemetry } = fleet.at;
  const rows = await found(`SELECT attributes FROM '${telemetry}/logs/**/*.parquet' WHERE task = '${task}'`);
  for (const content of CONTENTS(task)) expect(JSON.stringify(rows)).toContain(content);
}

async function allInFiles(fleet: ClaudeFleet): Promise<void> {
  const inFiles = async () =>
    (await fleet.helm.telemetry()).intake?.folders.map(({ waiting, files }) => waiting === 0 && files > 0);
  await expect.poll(inFiles, { timeout: 40_000 }).toEqual([true]);
}
