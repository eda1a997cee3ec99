import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "../../cli/reader/database.ts";
import { Snapshot } from "../../cli/reader/snapshot.ts";
import { onlyStatement, type Refused } from "../../cli/reader/statement.ts";
import { LEDGER_TABLES } from "../../cli/reader/wire.ts";
import { telemetryQuery } from "../../cli/verbs/telemetry-query.ts";
import { captainTelemetry, voyageFolder } from "../../lib/base/paths.ts";
import { COLUMNS } from "../../lib/telemetry/schema.ts";
import { scratchFolder } from "../helm/paper.ts";
import { BIN } from "../support/ocaptain.ts";
import { listen } from "../support/spoken.ts";
import { until } from "../support/until.ts";
import { model, sailed, writeTelemetry } from "./spent-voyages.ts";

/** A user's own SQL: what it can read, in what form the answer comes, and that it can do nothing else. */
let scratch: ReturnType<typeof scratchFolder>;
const before = { OCAPTAIN_VOYAGES: process.env.OCAPTAIN_VOYAGES, OCAPTAIN_HOME: process.env.OCAPTAIN_HOME };
beforeAll(async () => {
  scratch = scratchFolder();
  process.env.OCAPTAIN_VOYAGES = join(scratch.folder, "voyages");
  process.env.OCAPTAIN_HOME = join(scratch.folder, "home");
  for (const [stack, id] of [
    ["alpha", "aaa111"],
    ["beta", "bbb222"],
  ] as const)
    await sailed(stack, id, { graph: { "1": [] } }, async ({ board }) => {
      const ship = await board("ship-0");
      const { epoch } = await ship.grant();
      await ship.spend({ task: "1", epoch }, 0.5, [model("opus", 0.5)]);
    });
  const logs = (voyage: string | undefined, hour: number) => ({
    ...{ time: `2026-11-28 ${hour}:00:00.123`, name: "claude_code.api_request", ship: "ship-0", cost_usd: 0.25 },
    ...(voyage && { voyage }),
  });
  await writeTelemetry(voyageFolder("alpha").telemetry, "logs", [logs("aaa111", 10), logs("aaa111", 11)]);
  await writeTelemetry(voyageFolder("alpha").telemetry, "logs", [logs("aaa111", 12)], 2);
  await writeTelemetry(captainTelemetry(), "logs", [logs(undefined, 13)]);
});
afterAll(() => {
  for (const [name, value] of Object.entries(before))
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  scratch.remove();
});

type Options = Parameters<typeof telemetryQuery>[1];
async function asJson(sql: string, options: Options = {}): Promise<Record<string, unknown>[]> {
  const spoken = listen(true);
  await telemetryQuery(sql, options, spoken.io);
  return spoken.json();
}
async function asText(sql: string, options: Options = {}) {
  const spoken = listen();
  await telemetryQuery(sql, options, spoken.io);
  return { out: spoken.out.join("\n"), notes: spoken.notes, data: spoken.data() };
}

test("telemetry and ledgers of all voyages and other programs, of one or several, or of the others alone", async () => {
  const count = "SELECT count(*) AS n, count(DISTINCT voyage) AS voyages FROM logs";
  expect(await asJson(count)).toEqual([{ n: 4, voyages: 1 }]);
  expect(await asJson(count, { voyage: "alpha" })).toEqual([{ n: 3, voyages: 1 }]);
  expect(await asJson(count, { captain: true })).toEqual([{ n: 1, voyages: 0 }]);
  const joined = `SELECT v.name, sum(r.cost_usd) AS usd, any_value(s.model) AS model, any_value(t.subject) AS subject, count(e.seq) > 0 AS told
    FROM voyages v JOIN runs r USING (voyage) JOIN spend s USING (voyage, run) JOIN tasks t USING (voyage) JOIN (SELECT voyage, max(seq) AS seq FROM events GROUP BY 1) e USING (voyage) GROUP BY 1 ORDER BY 1`;
  const row = (name: string) => ({ name, usd: 0.5, model: "opus", subject: "Task 1", told: true });
  expect(await asJson(joined, { voyage: "bbb222,alpha,beta" })).toEqual([row("alpha"), row("beta")]);
  await expect(asJson(count, { voyage: "gamma" })).rejects.toMatchObject({ code: "NO_VOYAGE" });
  await expect(asJson(count, { voyage: "alpha", captain: true })).rejects.toMatchObject({ code: "USAGE" });
});

test("no telemetry yet is an empty answer with a word, and no error; all columns are there", async () => {
  expect(await asText("SELECT * FROM logs", { voyage: "beta" })).toEqual({
    out: "",
    notes: ["no rows: no telemetry is there yet of beta; what ledgers know is in voyages, runs, spend, tasks and events"],
    data: "",
  });
  expect(await asJson("FROM spans", { voyage: "beta" })).toEqual([]);
  expect((await asText("SELECT ship FROM metrics", { voyage: "beta", csv: true })).data).toBe("ship\r\n");
  expect((await asText("SELECT ship FROM logs WHERE ship = 'x'")).notes).toEqual(["no rows"]);
  const told = await asJson(
    "SELECT table_name, json_group_object(column_name, data_type)::JSON AS columns FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal GROUP BY 1",
    { voyage: "beta" },
  );
  const telemetry = { ...COLUMNS, day: "DATE" };
  const columns = { ...LEDGER_TABLES, logs: telemetry, metrics: telemetry, spans: telemetry };
  expect(Object.fromEntries(told.map((row) => [row.table_name, row.columns]))).toEqual(columns);
});

test("the page of telemetry names the tables of the ledgers with all their columns, and its recipes can be asked", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/telemetry.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| [^|]+ \| (.*) \|$/gm)];
  const named = rows.map(([, table, columns]) => [
    table,
    [...columns!.replaceAll(/ \([^)]*\)/g, "").matchAll(/`(\w+)`/g)].map(([, name]) => name),
  ]);
  const tables = Object.entries(LEDGER_TABLES).map(([table, columns]) => [table, Object.keys(columns)]);
  expect(named).toEqual(tables);
  for (const column of Object.keys(COLUMNS)) expect(page).toContain(`\`${column}\``);
  const rowsOf = { voyages: [], runs: [], spend: [], tasks: [], events: [] };
  const { connection } = await openDatabase(
    { sql: [], folders: [], rows: rowsOf, memoryMiB: 256, seconds: 60 },
    new Snapshot([]),
  );
  const recipes = [...page.matchAll(/^ {4}ocaptain telemetry query "(SELECT [^"…]+)"$/gm)].map(([, sql]) => sql!);
  expect(recipes.length).toBeGreaterThan(4);
  for (const sql of recipes) await (await onlyStatement(connection, sql)).run();
  connection.closeSync();
});

test("what does not only read is refused with a word, and so is what reaches elsewhere or cannot be understood", async () => {
  const { telemetry } = voyageFolder("alpha");
  const rows = { voyages: [], runs: [], spend: [], tasks: [], events: [] };
  const snapshot = new Snapshot([telemetry]);
  const { connection } = await openDatabase({ sql: [], folders: [telemetry], rows, memoryMiB: 256, seconds: 60 }, snapshot);
  const refusals: [string, Refused["code"] | undefined, RegExp][] = [
    ["COPY logs TO '/tmp/x.csv'", "READS_ONLY", /only SELECT can be asked .* and this is COPY: nothing can be written here/],
    [`/* SELECT */ COPY logs TO '${telemetry}/x.csv'`, "READS_ONLY", /this is COPY/],
    [`EXPLAIN ANALYZE COPY logs TO '${telemetry}/x.csv'`, "READS_ONLY", /this is EXPLAIN/],
    [`ATTACH '${telemetry}/x.db'`, "READS_ONLY", /this is ATTACH/],
    ["INSTALL httpfs", "READS_ONLY", /this is INSTALL/],
    ["LOAD httpfs", "READS_ONLY", /this is LOAD/],
    [`EXPORT DATABASE '${telemetry}/x'`, "READS_ONLY", /this is EXPORT/],
    ["SET enable_external_access = true", "READS_ONLY", /this is SET/],
    ["PRAGMA database_list", "READS_ONLY", /this is PRAGMA/],
    ["CALL pragma_version()", "READS_ONLY", /this is CALL/],
    ["CREATE TABLE x AS FROM logs", "READS_ONLY", /this is CREATE/],
    ["WITH x AS (SELECT 1) DELETE FROM runs", "READS_ONLY", /this is DELETE/],
    ["WITH x AS (SELECT 1 AS one) INSERT INTO runs (epoch) FROM x", "READS_ONLY", /this is INSERT/],
    ["SELECT 1; COPY logs TO '/tmp/x.csv'", "READS_ONLY", /one SELECT can be asked at a time, and this comes to 2 statements/],
    ["SELECT * FROM query('SELECT 1; SELECT 2')", undefined, /single SELECT statement/i],
    ["SELECT * FROM read_text('/etc/passwd')", undefined, /Cannot access file "\/etc\/passwd"/],
    [`SELECT * FROM read_text('${telemetry}/../voyage.json')`, undefined, /Cannot access file/],
    [`SELECT * FROM read_blob('${voyageFolder("alpha").ledger}')`, undefined, /Cannot access file/],
    ["SELECT * FROM glob('/etc/*')", undefined, /Cannot access file/],
    ["SELECT * FROM 'https://example.invalid/x.parquet'", undefined, /Cannot access file/],
    ["SELECT * FROM nothing", undefined, /Table with name nothing does not exist/],
    ["SELEC 1", undefined, /syntax error at or near "SELEC"/],
    ["SELECT $1", "SQL", /a parameter .* has no value here/],
    [" ; -- nothing", "NO_QUESTION", /the question is empty/],
  ];
  for (const [sql, code, message] of refusals) {
    const error = await onlyStatement(connection, sql).then(
      () => null,
      (thrown: Refused) => thrown,
    );
    expect([error?.code, error?.message], sql).toEqual([code, expect.stringMatching(message)]);
  }
  for (const sql of [
    "(SELECT 1)",
    "-- why\nFROM logs",
    "SHOW TABLES",
    "SUMMARIZE runs",
    "DESC spend",
    "VALUES (1)",
    "TABLE tasks",
  ])
    expect((await (await onlyStatement(connection, sql)).runAndReadAll()).currentRowCount, sql).toBeGreaterThanOrEqual(0);
  connection.closeSync();
});

test("what is refused changes nothing, and no setting can be changed", async () => {
  const { telemetry } = voyageFolder("alpha");
  const files = await readdir(telemetry, { recursive: true });
  await expect(asJson(`COPY logs TO '${join(telemetry, "x.parquet")}'`)).rejects.toMatchObject({
    code: "READS_ONLY",
    hint: "ocaptain telemetry query --help",
  });
  await expect(asJson("FROM nothing")).rejects.toMatchObject({ code: "QUERY", hint: expect.stringContaining("'DESCRIBE logs'") });
  expect(await readdir(telemetry, { recursive: true })).toEqual(files);
  const settings = "SELECT current_setting('enable_external_access') AS access, current_setting('lock_configuration') AS locked";
  expect(await asJson(settings)).toEqual([{ access: false, locked: true }]);
});

test("files that are being written are not read, nor those of a name that no intake gives", async () => {
  const days = join(voyageFolder("alpha").telemetry, "logs", "day=2026-11-28");
  for (const name of [".tmp-1234", ".tmp-1234.parquet", "part-000009.parquet.tmp"])
    writeFileSync(join(days, name), "half a file");
  mkdirSync(join(voyageFolder("alpha").telemetry, "logs", "notes"), { recursive: true });
  writeFileSync(join(voyageFolder("alpha").telemetry, "logs", "notes", "x.parquet"), "no file of a day");
  expect(await asJson("SELECT count(*) AS n FROM logs", { voyage: "alpha" })).toEqual([{ n: 3 }]);
});

const VALUES = `SELECT 9007199254740991::BIGINT AS safe, 9007199254740993::BIGINT AS big, sum(1) AS huge, 1.50::DECIMAL(9,2) AS money,
  'NaN'::DOUBLE AS nan, time, DATE '2026-11-28' AS day, [1, NULL] AS list, {'a': 1::BIGINT, 'b': ['x']} AS struct, MAP {'k': 2} AS map,
  '{"a": [1]}'::JSON AS json, NULL AS none, '' AS empty, 'a"b,c' || chr(10) || 'd' AS text, 1 AS a, 2 AS a, TIMESTAMP '1969-12-31 23:59:59.999999' AS micros
  FROM logs WHERE time < '2026-11-28 10:30:00' GROUP BY ALL`;

test("each kind of value comes out whole: as JSON, as CSV, and in a table", async () => {
  expect(await asJson(VALUES)).toEqual([
    {
      ...{ safe: 9007199254740991, big: "9007199254740993", huge: 1, money: 1.5, nan: "NaN", time: "2026-11-28T10:00:00.123Z" },
      ...{
        day: "2026-11-28",
        list: [1, null],
        struct: { a: 1, b: ["x"] },
        map: { k: 2 },
        json: { a: [1] },
        none: null,
        empty: "",
      },
      ...{ text: 'a"b,c\nd', a: 1, "a:1": 2, micros: "1969-12-31T23:59:59.999999Z" },
    },
  ]);
  const { data } = await asText(VALUES, { csv: true });
  expect(data).toBe(
    "safe,big,huge,money,nan,time,day,list,struct,map,json,none,empty,text,a,a:1,micros\r\n" +
      '9007199254740991,9007199254740993,1,1.5,NaN,2026-11-28T10:00:00.123Z,2026-11-28,"[1,null]","{""a"":1,""b"":[""x""]}","{""k"":2}","{""a"": [1]}",,"","a""b,c\nd",1,2,1969-12-31T23:59:59.999999Z\r\n',
  );
  const { out, notes } = await asText("SELECT ship, NULL AS none, [1] AS list FROM logs LIMIT 2", { voyage: "alpha" });
  expect([out, notes]).toEqual(["ship    none  list\nship-0  NULL  [1]\nship-0  NULL  [1]", ["2 rows"]]);
  const many = await asText("SELECT range AS n FROM range(1500)");
  expect(many.notes).toEqual(["1000 of 1500 rows are shown; --csv and --json have all", "1500 rows"]);
  expect(await asJson("SELECT range AS n FROM range(5000)")).toHaveLength(5000);
  await expect(telemetryQuery("SELECT 1", { csv: true }, listen(true).io)).rejects.toMatchObject({ code: "USAGE" });
});

test("a question has the same files from its beginning to its end, also when one is replaced or goes meanwhile", async () => {
  const { telemetry } = voyageFolder("gamma");
  const day = join(telemetry, "logs", "day=2026-11-28");
  const row = (name: string) => ({ time: "2026-11-28 10:00:00", name });
  await writeTelemetry(telemetry, "logs", [row("one"), row("two")]);
  await writeTelemetry(telemetry, "logs", [row("three")], 2);
  const left = join(telemetry, ".reading-4194305-ab"); // No process has such a number.
  mkdirSync(left);
  const snapshot = new Snapshot([telemetry]);
  const rows = { voyages: [], runs: [], spend: [], tasks: [], events: [] };
  const { connection } = await openDatabase({ sql: [], folders: [telemetry], rows, memoryMiB: 256, seconds: 60 }, snapshot);
  writeFileSync(join(day, ".tmp-1"), "another file");
  renameSync(join(day, ".tmp-1"), join(day, "part-000001.parquet"));
  rmSync(join(day, "part-000002.parquet"));
  const found = await connection.runAndReadAll("SELECT name, day FROM logs ORDER BY name");
  expect(found.getRowsJson()).toEqual(["one", "three", "two"].map((name) => [name, "2026-11-28"]));
  connection.closeSync();
  snapshot.remove();
  expect(await readdir(telemetry)).toEqual(["logs"]);
});

test("a question that fails after many rows has no answer, and not a part of one", async () => {
  const run = asText("SELECT if(range = 900000, error('no such row'), 'row') FROM range(1000000)", { csv: true });
  await expect(run).rejects.toMatchObject({ code: "QUERY", message: expect.stringContaining("no such row") });
});

test("an answer that takes too long, or too much memory, is ended with a word", async () => {
  await expect(asJson("SELECT count(*) FROM range(1000000000000) a", { timeout: "0.5s" })).rejects.toMatchObject({
    code: "TOO_LONG",
    message: "the answer took longer than 0.5 s, and was ended",
    hint: expect.stringContaining("--timeout"),
  });
  await expect(asJson("SELECT list(repeat('x', 10000) || range) FROM range(10000000)")).rejects.toMatchObject({
    code: "TOO_MUCH",
  });
  await expect(asJson("SELECT 1", { timeout: "soon" })).rejects.toMatchObject({ code: "USAGE" });
});

test("Ctrl-C ends it, and the process that reads with it; as a command it ends with 130, and with 2 for a slip", async () => {
  const run = execa(BIN, ["telemetry", "query", "SELECT count(*) AS forever FROM range(1000000000000) a"], {
    reject: false,
    timeout: 60_000,
  });
  const readers = async () => (await execa("pgrep", ["-P", String(run.pid), "-f", "cli/reader/main"], { reject: false })).stdout;
  const pid = await until("the process that reads", async () => (await readers()).match(/^\d+$/)?.[0] ?? false);
  run.kill("SIGINT");
  expect(await run).toMatchObject({ exitCode: 130, stdout: "", stderr: "" });
  await expect
    .poll(() => execa("ps", ["-p", pid], { reject: false }).then(({ exitCode }) => exitCode), { timeout: 5000 })
    .toBe(1);
  const bad = await execa(BIN, ["telemetry", "query", "COPY logs TO 'x'", "--json"], { reject: false, timeout: 60_000 });
  expect([bad.exitCode, JSON.parse(bad.stderr).error]).toEqual([1, "READS_ONLY"]);
  const cost = await execa(BIN, ["telemetry", "cost", "--by", "model", "--csv"], { reject: false, timeout: 60_000 });
  expect(cost).toMatchObject({
    exitCode: 0,
    stdout: "model,cost_usd,basis,tokens\r\nopus,1,reported,2000\r\n(not told),0.25,unknown,0",
  });
});
