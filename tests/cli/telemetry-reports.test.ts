import { randomUUID } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "../../cli/reader/database.ts";
import { Snapshot } from "../../cli/reader/snapshot.ts";
import { plainValue } from "../../cli/reader/values.ts";
import { costSql, DIMENSIONS, tokensSql } from "../../cli/telemetry/reports.ts";
import { cost, tokens, tools, waste, worth } from "../../cli/verbs/telemetry-reports.ts";
import { captainTelemetry, voyageFolder } from "../../lib/base/paths.ts";
import { type LedgerSpend, spentRows } from "../../lib/plan/ledger-spend.ts";
import { scratchFolder } from "../helm/paper.ts";
import { listen } from "../support/spoken.ts";
import { model, sailed, type Told, writeTelemetry } from "./spent-voyages.ts";

/**
 * The ready reports, over three sources: a voyage with telemetry, in which each kind of end has happened; one that has
 * sunk and has none; and the captain's other programs.
 */
let scratch: ReturnType<typeof scratchFolder>;
const before = { OCAPTAIN_VOYAGES: process.env.OCAPTAIN_VOYAGES, OCAPTAIN_HOME: process.env.OCAPTAIN_HOME };
beforeAll(async () => {
  scratch = scratchFolder();
  process.env.OCAPTAIN_VOYAGES = join(scratch.folder, "voyages");
  process.env.OCAPTAIN_HOME = join(scratch.folder, "home");
  await sailed("alpha", "aaa111", { graph: { "1": [], "2": [], "3": [] }, verify: "exit 0" }, async ({ board, pass, voyage }) => {
    const [a, b] = [await board("ship-0"), await board("ship-1")];
    const answer = (name: "release" | "ask" | "verified", ship: typeof a, of: object) =>
      voyage.calls.answer(name, ship.caller, { requestId: randomUUID(), incarnation: ship.caller.incarnation, ...of } as never);
    await a.spend(null, 0.05, [model("opus", 0.05)]);
    const one = await a.grant();
    const two = await b.grant();
    pass(90);
    await a.spend({ task: "1", epoch: one.epoch }, 1, [model("opus", 0.6), model("haiku", 0.4)]);
    await a.accept("1", one.epoch);
    await b.spend({ task: "2", epoch: two.epoch }, 2);
    await answer("release", b, { task: "2", epoch: two.epoch, reason: "the check\u001b[2J failed", failed: true });
    const again = await b.grant();
    await b.spend({ task: "2", epoch: again.epoch }, 0.5, [model("qwen", 0.5, "derived")]);
    await answer("ask", b, { task: "2", epoch: again.epoch, question: "Which colour?" });
    const three = await b.grant();
    await b.spend({ task: "3", epoch: three.epoch }, 0.75, [model("opus", 0.75)]);
    await voyage.releaseTask("3", "it hangs");
    await voyage.answer("2", "Green");
    pass(60);
    for (const [id, usd, of] of [
      ["2", 0.25, model("opus", 0.25)],
      ["3", 1.5, model("mystery", 1.5, "unknown")],
    ] as const) {
      const grant = await a.grant();
      expect(grant.task.id).toBe(id);
      await a.spend({ task: id, epoch: grant.epoch }, usd, [of]);
      await a.accept(id, grant.epoch);
    }
    const verify = await a.claim();
    if (verify.kind !== "verify") throw new Error(verify.kind);
    pass(1);
    const { epoch, commit } = verify;
    await answer("verified", a, { epoch, commit, exitCode: 0, output: "", seconds: 1 });
  });
  await sailed(
    "beta",
    "bbb222",
    { graph: { "1": [] } },
    async ({ board, pass }) => {
      const ship = await board("ship-0");
      const { epoch } = await ship.grant();
      pass(30);
      await ship.spend({ task: "1", epoch }, 3, [model("opus", 3)]);
      await ship.accept("1", epoch);
    },
    { sunkAt: "2026-11-28T12:00:00.000Z" },
  );

  const api = (time: string, more: Told): Told => ({ name: "claude_code.api_request", time: `2026-11-28 ${time}`, ...more });
  const ofOne = { voyage: "aaa111", ship: "ship-0", task: "1", epoch: 1 };
  const tool = (name: string, ms: number, success: boolean): Told => ({
    ...{ name: "claude_code.tool_result", time: "2026-11-28 10:30:00", ...ofOne, tool: name, duration_ms: ms },
    attributes: JSON.stringify({ success: String(success) }),
  });
  await writeTelemetry(voyageFolder("alpha").telemetry, "logs", [
    api("10:10:00", { ...ofOne, model: "opus", cost_usd: 0.1, input_tokens: 99 }),
    api("11:05:00", { ...ofOne, model: "opus", cost_usd: 0.3, output_tokens: 299 }),
    tool("Bash", 100, true),
    tool("Bash", 300, false),
    tool("Read", 5, true),
  ]);
  await writeTelemetry(captainTelemetry(), "logs", [
    api("10:20:00", { model: "claude-opus-5-5", cost_usd: 0.7, input_tokens: 7 }),
    api("10:21:00", { model: "qwen", cost_usd: 0.1, cache_read_tokens: 1 }),
  ]);
});
afterAll(() => {
  for (const [name, value] of Object.entries(before))
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  scratch.remove();
});

type Row = Record<string, unknown>;
const rounded = (rows: Row[], ...keys: string[]) =>
  rows.map((row) =>
    keys.map((key) => (typeof row[key] === "number" ? Math.round((row[key] as number) * 1000) / 1000 : row[key])),
  );
async function told(verb: typeof cost, names: string[], options: Parameters<typeof cost>[1] = {}) {
  const spoken = listen(true);
  await verb(names, options, spoken.io);
  return spoken.json();
}

test("cost by ship, task, model and hour, and by what each is known: the ledger knows the sums, telemetry the hours", async () => {
  const { total, by, voyages, withoutTelemetry } = await told(cost, ["alpha"]);
  expect([voyages, withoutTelemetry]).toEqual([["alpha"], []]);
  expect(total.cost_usd).toBeCloseTo(6.05, 9);
  expect(total.basis).toBe("unknown");
  expect(rounded(by.ship, "voyage", "ship", "cost_usd", "basis")).toEqual([
    ["alpha", "ship-1", 3.25, "derived"],
    ["alpha", "ship-0", 2.8, "unknown"],
  ]);
  expect(rounded(by.task, "task", "cost_usd", "basis")).toEqual([
    ["2", 2.75, "derived"],
    ["3", 2.25, "unknown"],
    ["1", 1, "reported"],
    ["(no task)", 0.05, "reported"],
  ]);
  expect(rounded(by.model, "model", "cost_usd", "basis")).toEqual([
    ["(not told)", 2, "reported"],
    ["opus", 1.65, "reported"],
    ["mystery", 1.5, "unknown"],
    ["qwen", 0.5, "derived"],
    ["haiku", 0.4, "reported"],
  ]);
  // A quarter of the tokens that opus had for task 1 were told in the first hour: 0.15 of 0.6, beside the trial.
  expect(rounded(by.hour, "hour", "cost_usd")).toEqual([
    ["2026-11-28T10:00:00.000Z", 0.2],
    ["2026-11-28T11:00:00.000Z", 4.1],
    ["2026-11-28T12:00:00.000Z", 1.75],
  ]);
});

test("several voyages, one of them sunk and without telemetry, and other programs: each is in the sum, and what is not known is said", async () => {
  const all = await told(cost, [], { by: "voyage,day" });
  expect(rounded(all.by.voyage, "voyage", "cost_usd", "basis")).toEqual([
    ["alpha", 6.05, "unknown"],
    ["beta", 3, "reported"],
    ["(other programs)", 0.8, "unknown"],
  ]);
  expect(rounded(all.by.day, "day", "cost_usd")).toEqual([["2026-11-28", 9.85]]);
  const { io, out, notes } = listen();
  await cost(["beta"], { by: "hour" }, io);
  expect(out.join("\n")).toMatch(/^HOUR +COST +TOKENS\n2026-11-28T10:00Z +\$3\.00 +1000\n\nin all \$3\.00$/);
  expect(notes).toEqual(["no telemetry is there of beta: what a run has spent stands at the hour of its end, by the ledger"]);
  const shown = listen();
  await cost(["alpha"], {}, shown.io);
  expect(shown.out.join("\n")).toMatch(
    /by model\nMODEL +COST +TOKENS\n\(not told\) +\$2\.00 +1000\n[\s\S]*mystery +\$1\.50 \(price unknown\)[\s\S]*\nin all \$6\.05 \(price unknown\)$/,
  );
  await expect(told(cost, ["gamma"])).rejects.toMatchObject({ code: "NO_VOYAGE" });
  await expect(told(cost, [], { by: "colour" })).rejects.toMatchObject({
    code: "USAGE",
    message: expect.stringContaining("voyage, ship, task"),
  });
  await expect(cost([], { csv: true }, listen().io)).rejects.toMatchObject({
    code: "USAGE",
    hint: expect.stringContaining("--by ship --csv"),
  });
});

test("tokens by their kinds, and the share that came from caches", async () => {
  const { total, by } = await told(tokens, ["alpha"]);
  expect(rounded(by.model, "model", "input_tokens", "output_tokens", "cache_read_tokens", "cached").slice(0, 2)).toEqual([
    ["opus", 400, 40, 3560, 0.899],
    ["(not told)", 100, 10, 890, 0.899],
  ]);
  expect(total).toMatchObject({ input_tokens: 800, output_tokens: 80, cache_read_tokens: 7120, cache_creation_tokens: 0 });
});

test("tools by time and failures, of telemetry alone", async () => {
  const { io, data } = listen();
  await tools(["alpha", "beta"], { csv: true }, io);
  expect(data()).toBe(
    "tool,calls,failed,seconds,mean_ms,p95_ms,longest_ms\r\nBash,2,1,0.4,200,290,300\r\nRead,1,0,0.005,5,5,5\r\n",
  );
  const none = listen();
  await tools(["beta"], {}, none.io);
  expect([none.out, none.notes]).toEqual([[], ["no use of a tool is in the telemetry (beta)"]]);
});

test("US dollars for an accepted and for a verified task; what was thrown away, and for what else", async () => {
  const { rows } = await told(worth, []);
  const keys = ["voyage", "spent_usd", "delivered_usd", "thrown_away_usd", "other_usd", "tasks", "accepted", "verified"];
  expect(rounded(rows, ...keys, "usd_per_accepted", "usd_per_verified")).toEqual([
    ["alpha", 6.05, 2.75, 2.75, 0.55, 3, 3, 3, 2.017, 2.017],
    ["beta", 3, 3, 0, 0, 1, 1, 0, 3, null],
  ]);
});

test("what was thrown away, claim by claim, and why: what a ship has written acts on no terminal", async () => {
  const { causes, claims, total } = await told(waste, ["alpha"]);
  expect(rounded(causes, "cause", "claims", "cost_usd", "basis")).toEqual([
    ["failed", 1, 2, "reported"],
    ["released", 1, 0.75, "reported"],
  ]);
  expect(total.cost_usd, "what was spent before a question is not thrown away").toBeCloseTo(2.75, 9);
  expect(rounded(claims, "task", "epoch", "ship", "cause").concat()).toEqual([
    ["2", 1, "ship-1", "failed"],
    ["3", 1, "ship-1", "released"],
  ]);
  const { io, out } = listen();
  await waste(["alpha"], {}, io);
  expect(out.join("\n")).toMatch(
    /failed +2 +1 +ship-1 +\$2\.00 +the check failed\n.*it hangs\n\nthrown away \$2\.75: failed \$2\.00, released \$0\.75$/,
  );
  const none = listen();
  await waste(["beta"], {}, none.io);
  expect(none.notes).toEqual(["nothing was thrown away (beta)"]);
});

const COUNTED = ["cost_usd", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"] as const;
const sumOf = (rows: readonly Row[], key: string) => rows.reduce((sum, row) => sum + Number(row[key] ?? 0), 0);

test("whatever runs have told of models, the parts of a run come to the run", () => {
  const amount = fc.record({
    cost_usd: fc.double({ min: 0, max: 100, noNaN: true }),
    input_tokens: fc.nat(1e9),
    output_tokens: fc.nat(1000),
    cache_read_tokens: fc.nat(5),
    cache_creation_tokens: fc.nat(1),
  });
  const run = fc.tuple(amount, fc.array(amount, { maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(run, { maxLength: 5 }), (runs) => {
      const { spend } = spentRows({
        runs: runs.map(([used], at) => ({
          ...used,
          ...{ run: String(at), session: "s", task: null, epoch: null, ship: "a", at: "t", turns: 1, seconds: 1 },
        })),
        models: runs.flatMap(([, models], at) =>
          models.map((used, index) => ({ ...used, run: String(at), model: `m${index}`, basis: "reported" as const })),
        ),
        ...{ tasks: [], verified: [], events: [] },
      });
      for (const [at, [used]] of runs.entries()) {
        const parts = spend.filter((part) => part.run === String(at));
        for (const key of COUNTED) expect(sumOf(parts, key)).toBeCloseTo(used[key], 6);
        expect(parts.every((part) => COUNTED.every((key) => part[key] >= 0))).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test("whatever was spent and told, the parts of each report come to the whole", async () => {
  const of = {
    ship: fc.constantFrom("a", "b", null),
    task: fc.constantFrom("1", "2", null),
    model: fc.constantFrom("opus", "qwen", null),
  };
  const used = { cost_usd: fc.nat(1e6).map((micros) => micros / 1e6), input_tokens: fc.nat(1e6), output_tokens: fc.nat(1000) };
  const time = fc.nat(3 * 24 * 60).map((minutes) => new Date(Date.parse("2026-11-27") + minutes * 60_000).toISOString());
  const spend = fc.record({
    ...of,
    ...used,
    at: time,
    voyage: fc.constantFrom("v", "w"),
    basis: fc.constantFrom("reported", "unknown"),
  });
  const answer = fc.record({ ...of, ...used, time, voyage: fc.constantFrom("v", "w", null) });
  await fc.assert(
    fc.asyncProperty(fc.array(spend, { maxLength: 12 }), fc.array(answer, { maxLength: 12 }), async (spent, answers) => {
      const folder = join(scratch.folder, randomUUID());
      const rows = answers.map((row) => ({ ...row, name: "claude_code.api_request", epoch: row.task === null ? null : 1 }));
      if (rows.length > 0) await writeTelemetry(folder, "logs", rows as Told[]);
      const rest = { cache_read_tokens: 1, cache_creation_tokens: 2 };
      const ledger = spent.map(
        (row) =>
          ({ ...row, ...rest, epoch: row.task === null ? null : 1, run: "r", session: "s" }) satisfies Partial<LedgerSpend>,
      );
      const { connection } = await openDatabase(
        {
          ...{ sql: [], folders: [folder], memoryMiB: 256, seconds: 60 },
          rows: { voyages: [{ voyage: "v", name: "vee" }], runs: [], spend: ledger, tasks: [], events: [] },
        },
        new Snapshot([folder]),
      );
      const read = async (sql: string) =>
        (await connection.runAndReadAll(sql))
          .getRowObjects()
          .map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plainValue(value)])));
      const others = rows.filter((row) => row.voyage === null);
      const cost = sumOf(ledger, "cost_usd") + sumOf(others, "cost_usd");
      const input = sumOf(ledger, "input_tokens") + sumOf(others, "input_tokens");
      for (const by of DIMENSIONS) {
        expect(sumOf(await read(costSql(by)), "cost_usd"), by).toBeCloseTo(cost, 6);
        // Tokens are shared out to hours in parts, and are told as whole ones.
        expect(Math.abs(sumOf(await read(tokensSql(by)), "input_tokens") - input), by).toBeLessThanOrEqual(
          by === "hour" ? 12 : by === "day" ? 4 : 0.5,
        );
      }
      connection.closeSync();
    }),
    { numRuns: 15 },
  );
});
