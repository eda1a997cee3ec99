import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { captainTelemetry } from "../../lib/base/paths.ts";
import { SENDER_HEADER } from "../../lib/telemetry/wire.ts";
import { KINDS } from "../../telemetry/decode/read-request.ts";
import { found, logs, namesIn, TestIntake } from "./intake.ts";

let intake: TestIntake;
afterEach(() => intake?.remove());

async function begin(env: Record<string, string> = {}, before: readonly string[] = []): Promise<void> {
  intake = new TestIntake(before);
  mkdirSync(dirname(intake.folder), { recursive: true });
  await intake.start(env);
}

const expected = (batches: readonly string[], each: number) =>
  batches.flatMap((name) => Array.from({ length: each }, (_, index) => `${name}-${index}`)).sort();

test("a request is in files of its day, signal and voyage, in columns; the same request again is kept once; what is none is counted", async () => {
  await begin();
  const body = logs("a", 3, { attributes: [{ key: "cost_usd", value: { doubleValue: 0.5 } }] });
  expect(await intake.send("logs", body)).toEqual({ status: 200, body: "{}" });
  expect(await intake.send("logs", gzipSync(body), { "content-encoding": "gzip" })).toMatchObject({ status: 200 });
  expect(await intake.send("logs", body)).toMatchObject({ status: 200 });
  expect(await intake.send("logs", "{")).toMatchObject({ status: 400 });
  expect(await intake.send("logs", "x", { "content-type": "text/plain" })).toMatchObject({ status: 415 });
  expect(await intake.send("logs", gzipSync(Buffer.alloc(40e6)), { "content-encoding": "gzip" })).toMatchObject({ status: 413 });
  const [status] = (await intake.flush()).folders;
  expect(status).toMatchObject({
    rows: { logs: 6 },
    files: 1,
    waiting: 0,
    dropped: { malformed: 1, "unknown-type": 1, "too-big": 1 },
  });
  const today = new Date().toISOString().slice(0, 10);
  expect(readdirSync(join(intake.folder, "logs", `day=${today}`))).toEqual(["part-000001.parquet"]);
  expect(
    await found(
      `SELECT day, voyage, ship, task, epoch, sum(cost_usd) AS usd FROM read_parquet('${intake.folder}/logs/**/*.parquet', hive_partitioning = true) GROUP BY ALL`,
    ),
  ).toEqual([{ day: today, voyage: "abc123", ship: "ship-0", task: "1", epoch: 1, usd: 3 }]);
});

test("a request in protobuf is answered in protobuf, with how many elements were too many", async () => {
  await begin();
  const { request, response } = KINDS.logs;
  const bytes = (count: number) => Buffer.from(request.encode(request.fromObject(JSON.parse(logs("p", count)))).finish());
  const headers = { "content-type": "application/x-protobuf" };
  expect(await intake.send("logs", bytes(2), headers)).toEqual({ status: 200, body: "" });
  const { body } = await intake.send("logs", bytes(20_003), headers);
  expect(response.decode(Buffer.from(body)).toJSON()).toMatchObject({ partialSuccess: { rejectedLogRecords: "3" } });
  expect((await intake.flush()).folders[0]).toMatchObject({ rows: { logs: 20_002 }, dropped: { "too-many": 3 } });
});

test("killed in the middle, again and again: what was answered is there exactly once, and no half of a file is ever seen", async () => {
  await begin();
  const sent: string[] = [];
  const answered: string[] = [];
  for (let life = 0; life < 4; life++) {
    if (life > 0) await intake.start();
    let dies = false;
    const senders = [0, 1, 2].map(async (sender) => {
      for (let batch = 0; !dies; batch++) {
        const name = `${life}.${sender}.${batch}`;
        sent.push(name);
        if ((await intake.send("logs", logs(name, 20))).status === 200) answered.push(name);
      }
    });
    const flushes = (async () => {
      while (!dies) await intake.flush().catch(() => {});
    })();
    try {
      const enough = answered.length + 6;
      for (let seen = 0; seen < 4 || answered.length < enough; seen++) {
        const names = await namesIn(intake.folder); // It throws when a file is a half one.
        expect(new Set(names).size).toBe(names.length);
      }
    } finally {
      dies = true;
      await intake.end("SIGKILL");
      await Promise.all([...senders, flushes]);
    }
  }
  await intake.start();
  await intake.flush();
  const names = await namesIn(intake.folder);
  expect(answered.length).toBeGreaterThanOrEqual(24);
  expect(new Set(names).size).toBe(names.length);
  expect(expected(answered, 20).filter((name) => !names.includes(name))).toEqual([]);
  const known = new Set(expected(sent, 20));
  expect(names.filter((name) => !known.has(name))).toEqual([]);
  const days = readdirSync(join(intake.folder, "logs"));
  expect(
    days.flatMap((day) => readdirSync(join(intake.folder, "logs", day))).filter((name) => !name.startsWith("part-")),
  ).toEqual([]);
});

test("while its files grow and more begin, each plain glob sees every row that was in files before, and none twice", async () => {
  await begin();
  let last = 0;
  for (let batch = 0; batch < 5; batch++) {
    await intake.send("logs", logs(`b${batch}`, 15_000));
    const flushed = intake.flush();
    const names = await namesIn(intake.folder);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(last);
    last = names.length;
    await flushed;
  }
  expect(await namesIn(intake.folder)).toHaveLength(75_000);
  expect((await intake.flush()).folders).toEqual([expect.objectContaining({ files: 2 })]);
});

test("a folder that is full loses its oldest files, which is counted; a file that somebody broke is put aside, and hides nothing", async () => {
  await begin({ OCAPTAIN_TELEMETRY_MIB: "1" });
  const noise = () => ({ body: { stringValue: Buffer.from(crypto.getRandomValues(new Uint8Array(600))).toString("base64") } });
  const day = join(intake.folder, "logs", `day=${new Date().toISOString().slice(0, 10)}`);
  for (let batch = 0; batch < 5; batch++) {
    const records = Array.from({ length: 1_000 }, () => ({
      timeUnixNano: `${Date.now()}000000`,
      eventName: `n${batch}`,
      ...noise(),
    }));
    await intake.send("logs", JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] }));
    await intake.flush();
    // Another file begins, as after many rows.
    const last = readdirSync(day).sort().at(-1)!;
    renameSync(join(day, last), join(day, last));
    writeFileSync(join(day, `part-${String(batch * 2 + 2).padStart(6, "0")}.parquet`), "broken");
  }
  await intake.send("logs", logs("end"));
  const { dropped, bytes } = (await intake.flush()).folders[0]!;
  expect(dropped.disk).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(1.2 * 1024 * 1024);
  const names = await namesIn(intake.folder);
  expect(names).toContain("end-0");
  expect(names.length + dropped.disk!).toBe(5_001);
});

test("rows of a voyage whose folder was moved away meanwhile come to the captain's own folder, and make no folder anew", async () => {
  await begin();
  await intake.send("logs", logs("late"));
  renameSync(dirname(intake.folder), `${dirname(intake.folder)}.moved`);
  await intake.flush();
  expect(existsSync(dirname(intake.folder))).toBe(false);
  expect(await namesIn(captainTelemetry())).toEqual(["late-0"]);
});

test("it ends with the helm: what it has is in files, at the end of its standard input", async () => {
  await begin();
  await intake.send("logs", logs("last", 5));
  await intake.end();
  expect(await namesIn(intake.folder)).toHaveLength(5);
});

test.skipIf(process.getuid!() !== 0)(
  "while the disk of a voyage's folder is full, rows wait in the buffer, also over SIGKILL, and other folders have theirs",
  async () => {
    // The mount is the process's own, and goes with it; the buffer is outside of it, so that it outlives the process.
    intake = new TestIntake();
    mkdirSync(dirname(intake.folder), { recursive: true });
    const mount = `mount -t tmpfs -o size=100k none '${dirname(intake.folder)}' && exec "$@"`;
    const small = new TestIntake(["unshare", "--mount", "sh", "-c", mount, "sh"]);
    Object.assign(small, { root: intake.root, folder: intake.folder });
    process.env.OCAPTAIN_HOME = join(intake.root, "h");
    await small.start();
    const names: string[] = [];
    for (let batch = 0; batch < 6; batch++) {
      const body = { body: { stringValue: Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString("base64") } };
      if ((await small.send("logs", logs(`full${batch}`, 2, body))).status === 200) names.push(`full${batch}`);
      await small.flush().catch(() => {});
    }
    const other = JSON.stringify({ folder: captainTelemetry(), voyage: null, ship: null, task: null, epoch: null });
    await small.send("logs", logs("other"), { [SENDER_HEADER]: encodeURIComponent(other) });
    expect(await small.call("/flush", "")).toMatchObject({ status: 503 });
    expect(await namesIn(captainTelemetry())).toEqual(["other-0"]);
    await small.end("SIGKILL");
    expect(names.length).toBeGreaterThan(0);
    await intake.start();
    await intake.flush();
    const there = await namesIn(intake.folder);
    // What the small disk had taken went with it; what it had no room for has waited in the buffer.
    expect(there.length).toBeGreaterThan(0);
    expect(new Set(there).size).toBe(there.length);
    expect(there).toContain(`${names.at(-1)}-1`);
  },
);
