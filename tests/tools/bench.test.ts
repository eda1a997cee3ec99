import { runtime } from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { median, percentile } from "../../bench/numbers.ts";
import { readOptions } from "../../bench/options.ts";
import { table, type Where } from "../../bench/report.ts";

test("medians and percentiles are of the values, sorted", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentile(hundred, 0.99)).toBe(99);
  expect(percentile(hundred, 1)).toBe(100);
  expect(percentile([7], 0.99)).toBe(7);
});

test("options: parts and fleet sizes by comma; what is no option is refused by name", () => {
  expect(readOptions(["--only", "up,calls", "--ships", "2,8", "--runs", "5", "--json"])).toEqual({
    parts: new Set(["up", "calls"]),
    ships: [2, 8],
    runs: 5,
    json: true,
  });
  expect(readOptions(["--help"])).toBe("help");
  expect(() => readOptions(["--only", "speed"])).toThrow(/"speed" is no part/);
  expect(() => readOptions(["--ships", "1,x"])).toThrow(/--ships: "x"/);
  expect(() => readOptions(["--ships", "0"])).toThrow(/--ships: "0"/);
  expect(() => readOptions(["--fast"])).toThrow(/--fast/);
});

test("the table's ratio is the median of the pairs' own ratios, not the ratio of medians", () => {
  const pair = (floorUpMs: number, upMs: number) => ({
    floor: { up: { ms: floorUpMs, cpuMs: 1000 }, noop: null },
    voyage: { up: { ms: upMs, cpuMs: 2500 }, noop: null, callsAShip: 3 },
  });
  const where: Where = {
    date: "2026-01-01 00:00",
    command: "npm run bench",
    processor: "one",
    cores: 2,
    memoryGiB: 1,
    kernel: "Linux",
    node: "24",
    load: 0,
  };
  const options = { parts: new Set(["up", "calls"] as const), ships: [16], runs: 3, json: false };
  const sailings = [{ ships: 16, pairs: [pair(1000, 4000), pair(2000, 4000), pair(4000, 4000)] }];
  const text = table({ sailings, grants: null }, options, where);
  expect(text).toContain("| up | 16 | 4.00 s | 2.00 s | 2.00 × | ≤ 1.5 ×, < 10 s |");
  expect(text).toContain("| its processor time | 16 | 2.50 s | 1.00 s | 2.50 × |  |");
  expect(text).toContain("| API calls a ship | 16 | 3.0 |  |  | ≤ 6 |");
});

test("the floor has as many resources as a voyage: 3, and 5 a ship", async () => {
  const made: string[] = [];
  await runtime.setMocks(
    {
      newResource: ({ name, inputs }) => {
        made.push(name);
        return { id: name, state: { ...inputs, made: name } };
      },
      call: ({ inputs }) => inputs,
    },
    "ocaptain-floor",
  );
  runtime.setAllConfig({ "ocaptain-floor:ships": "2" });
  const { launches } = await import("../../bench/floor/index.ts");
  await Promise.all(launches.map((launch) => new Promise((done) => launch.apply(done))));
  expect(made).toHaveLength(3 + 5 * 2);
});
