import { expect, onTestFinished, test } from "vitest";
import { Meter } from "../../crew/hands/claude/account/meter.ts";

const answer = (costUsd: number) => ({
  resourceLogs: [
    {
      scopeLogs: [
        {
          logRecords: [
            {
              timeUnixNano: `${costUsd}`,
              body: { stringValue: "claude_code.api_request" },
              attributes: [{ key: "cost_usd", value: { doubleValue: costUsd } }],
            },
          ],
        },
      ],
    },
  ],
});

test("the meter counts what its own Claude Code says, and not what another ship says to the same port", async () => {
  const meter = await Meter.open(undefined);
  onTestFinished(() => meter.close());
  const own = meter.environment.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT!;
  const say = async (url: string, costUsd: number) =>
    (await fetch(url, { method: "POST", body: JSON.stringify(answer(costUsd)) })).status;
  const { origin } = new URL(own);
  for (const guess of [origin, `${origin}/v1/logs`, `${origin}/${"0".repeat(32)}/v1/logs`, `${own}/`])
    expect(await say(guess, 1000)).toBe(404);
  expect(await say(own, 2)).toBe(200);
  expect(meter.used.costUsd).toBe(2);
});
