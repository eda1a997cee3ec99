import { expect, onTestFinished, test } from "vitest";
import { Meter } from "../../crew/hands/claude/account/meter.ts";
import { asTold, less, most, NOTHING_USED, ofRun, priced, type Used } from "../../crew/hands/claude/account/usage.ts";

/** What a run costs by the prices that a plan names, for models that Claude Code has no price of. */
const PRICES = { qwen3: { input: 1, output: 10, cacheRead: 0.1, cacheWrite: 2 }, "local/llama": { input: 0, output: 0 } };
const MILLION = { inputTokens: 1e6, outputTokens: 1e6, cacheReadTokens: 1e6, cacheCreationTokens: 1e6 };
const counts = { ...NOTHING_USED, ...MILLION, turns: 3, seconds: 4 };
const result = (costUSD: number, costBasis?: string, times = 1) => ({
  inputTokens: times * 1e6,
  outputTokens: times * 1e6,
  cacheReadInputTokens: times * 1e6,
  cacheCreationInputTokens: times * 1e6,
  costUSD,
  ...(costBasis && { costBasis }),
});
const NEW = { costUsd: 0, models: {} };
const basesOf = (used: Used) => Object.fromEntries([...used.models].map(([name, of]) => [name, `${of.basis} ${of.costUsd}`]));

test("a model of the plan's prices costs by them, its caches too; without a price of caches they cost as input", () => {
  const told = { costUsd: 99, ...MILLION };
  expect(priced("qwen3", told, PRICES)).toEqual({ ...told, costUsd: 13.1, basis: "derived" });
  expect(priced("qwen3[1m]", told, PRICES)).toMatchObject({ costUsd: 13.1, basis: "derived" });
  expect(priced("local/llama", told, PRICES)).toMatchObject({ costUsd: 0, basis: "derived" });
  expect(priced("m", told, { m: { input: 1, output: 10 } })).toMatchObject({ costUsd: 13 });
});

test("other models cost what Claude Code says, which is a guess for one that it does not know", () => {
  const told = { costUsd: 99, ...MILLION };
  expect(priced("claude-opus-5-5", told, PRICES)).toMatchObject({ costUsd: 99, basis: "reported" });
  expect(priced("us.anthropic.claude-opus-5-5", told, undefined)).toMatchObject({ costUsd: 99, basis: "reported" });
  expect(priced("claude-of-tomorrow", told, undefined, false)).toMatchObject({ costUsd: 99, basis: "unknown" });
  for (const name of ["gpt-9", "constructor", "__proto__", ""])
    expect(priced(name, told, PRICES)).toMatchObject({ costUsd: 99, basis: "unknown" });
});

test("a run's result is what its session has cost without what that had cost before, model by model", () => {
  const before = { costUsd: 12, models: { qwen3: result(5), "claude-opus-5-5": result(7) } };
  const session = {
    costUsd: 32,
    models: {
      qwen3: result(15, "unknown", 2),
      "claude-opus-5-5": result(17, "list", 2),
      "claude-of-tomorrow": result(0, "unknown", 0),
    },
  };
  const own = ofRun(counts, session, before, undefined);
  expect(own).toMatchObject({ costUsd: 20, turns: 3, seconds: 4 });
  expect(basesOf(own)).toEqual({ qwen3: "unknown 10", "claude-opus-5-5": "reported 10", "claude-of-tomorrow": "unknown 0" });
  const derived = ofRun(counts, session, before, PRICES);
  expect(derived.costUsd).toBeCloseTo(23.1, 9);
  expect(basesOf(derived)).toMatchObject({ qwen3: "derived 13.1", "claude-opus-5-5": "reported 10" });
  expect(
    asTold(derived).models!.map(({ model }) => model),
    "what was not used is not told",
  ).toEqual(["qwen3", "claude-opus-5-5"]);
  expect(ofRun(counts, { costUsd: 3, models: {} }, NEW, undefined).costUsd, "of an older Claude Code").toBe(3);
  expect(ofRun(counts, { costUsd: 3, models: {} }, NEW, PRICES).costUsd, "not by prices that are others").toBe(0);
});

test("of a result and the meter the most counts, model by model, and the result says where it is known from", () => {
  const metered: Used = {
    ...NOTHING_USED,
    costUsd: 5,
    models: new Map([
      ["a", { ...MILLION, costUsd: 2, basis: "reported" }],
      ["b", { ...MILLION, costUsd: 3, basis: "unknown" }],
    ]),
  };
  const own: Used = { ...NOTHING_USED, costUsd: 4, models: new Map([["a", { ...MILLION, costUsd: 4, basis: "unknown" }]]) };
  const both = most(own, metered);
  expect(both.costUsd).toBe(5);
  expect(basesOf(both)).toEqual({ a: "unknown 4", b: "unknown 3" });
  expect(basesOf(less(both, metered))).toEqual({ a: "unknown 2", b: "unknown 0" });
});

test("the meter counts by the prices, too, and keeps models apart, a bounded number of them", async () => {
  const meter = await Meter.open(PRICES);
  onTestFinished(() => meter.close());
  const say = (model: string, id: number) =>
    fetch(meter.environment.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT!, {
      method: "POST",
      body: JSON.stringify({
        resourceLogs: [
          {
            scopeLogs: [
              {
                logRecords: [
                  {
                    timeUnixNano: `${id}`,
                    body: { stringValue: "claude_code.api_request" },
                    attributes: [
                      { key: "model", value: { stringValue: model } },
                      { key: "cost_usd", value: { doubleValue: 5 } },
                      { key: "output_tokens", value: { intValue: "100000" } },
                    ],
                  },
                ],
              },
            ],
          },
        ],
      }),
    });
  await say("qwen3", 1);
  const before = meter.used;
  await say("qwen3", 2);
  await say("claude-opus-5-5", 3);
  expect(basesOf(meter.used)).toEqual({ qwen3: "derived 2", "claude-opus-5-5": "reported 5" });
  expect(meter.used).toMatchObject({ costUsd: 7, outputTokens: 300_000, turns: 3 });
  expect(before.costUsd, "what was read before stays as it was").toBe(1);
  for (let id = 4; id < 40; id++) await say(`model \u0007${id}`, id);
  expect(meter.used.models.size).toBe(20);
  expect([...meter.used.models.keys()].every((name) => /^[\x21-\x7e]+$/.test(name))).toBe(true);
  expect(meter.used.turns, "what is of no model counts all the same").toBe(39);
});
