import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { Table } from "../../lib/telemetry/schema.ts";
import { KINDS, readRequest } from "../../telemetry/decode/read-request.ts";
import { MOST_ROWS, rowsOf } from "../../telemetry/rows/rows.ts";
import { Series } from "../../telemetry/store/series.ts";

const SENDER = { folder: "/f", voyage: "abc123", ship: "ship-0", task: "1", epoch: 2 };
/** A minute after the requests were recorded. */
const CAME_AT = 1_795_416_577_000;
const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";

const recorded = (name: string) => readFileSync(join(import.meta.dirname, "requests", name));

async function rows(table: Table, body: Buffer, contentType: string, contentEncoding = "gzip", mostBytes = 1e6) {
  const resources = await readRequest(body, { table, contentType, contentEncoding, mostBytes });
  return rowsOf(table, resources, SENDER, CAME_AT);
}

const jsonRows = async (table: Table, request: unknown, cameAt = CAME_AT) => {
  const body = Buffer.from(JSON.stringify(request));
  const of = { table, contentType: JSON_TYPE, contentEncoding: "", mostBytes: 1e8 };
  return rowsOf(table, await readRequest(body, of), SENDER, cameAt).rows;
};

/** A request of one log record. */
const log = (record: object, resource: object = {}) => ({ resourceLogs: [{ resource, scopeLogs: [{ logRecords: [record] }] }] });

test("spans of the SDK are the same rows by protobuf and by JSON: ids, times, status, events and links", async () => {
  const byProtobuf = await rows("spans", recorded("traces.pb.gz"), PROTOBUF);
  const byJson = await rows("spans", recorded("traces.json.gz"), JSON_TYPE);
  expect(byJson).toEqual(byProtobuf);
  const [child, parent] = byProtobuf.rows;
  expect(child).toMatchObject({
    name: "child",
    service: "a-service",
    session: "s-1",
    duration_ms: 3.5,
    status: "error",
    time: 1_795_416_517_005_000n,
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    parent_span_id: parent!.span_id,
  });
  expect(JSON.parse(child!.body!)).toMatchObject({
    events: [{ name: "ev", attributes: { k: "v" } }],
    links: [{ span_id: parent!.span_id }],
  });
  expect(parent).toMatchObject({ name: "parent", parent_span_id: null, time: 1_795_416_517_000_000n, status: null });
  expect(parent!.attributes).toContain('"big":9007199254740991,"f":1.5,"list":[1,2,3]');
});

test("log records of the SDK: what is known of an answer of a model has columns of its own", async () => {
  expect((await rows("logs", recorded("logs.pb.gz"), PROTOBUF)).rows).toEqual([
    expect.objectContaining({
      ...{ name: "app.broken", body: "it broke", severity: "ERROR", status: "error", model: "m-1", cost_usd: 0.25 },
      ...{ input_tokens: 12n, output_tokens: null, voyage: "abc123", ship: "ship-0", task: "1", epoch: 2 },
    }),
  ]);
});

test("metrics of the SDK: a row for each point, with buckets where there are some", async () => {
  const found = (await rows("metrics", recorded("metrics.pb.gz"), PROTOBUF)).rows;
  expect(found.map(({ name, value, unit }) => [name, value, unit])).toEqual([
    ["requests", 3, "1"],
    ["took", 4.5, "ms"],
    ["load", 0.75, null],
  ]);
  const about = found.map(({ body }) => JSON.parse(body!));
  expect(about[0]).toMatchObject({ kind: "sum", temporality: "delta", monotonic: true });
  expect(about[1]).toMatchObject({ kind: "histogram", count: 1, min: 4.5, bounds: [1, 10], counts: [0, 1, 0] });
  expect(JSON.parse(found[0]!.attributes!)).toMatchObject({ route: "/a" });
});

test("whole numbers keep all of their digits, as texts, numbers and in protobuf; ids in JSON are hexadecimal", async () => {
  const attribute = (intValue: unknown) => ({ key: "n", value: { intValue } });
  const record = (n: unknown) => log({ attributes: [attribute(n)], traceId: "5B8EFFF798038103D269B633813FC60C" });
  for (const n of ["9223372036854775807", "-9223372036854775808", 7, "7"]) {
    const [byJson] = await jsonRows("logs", record(n));
    expect(byJson!.attributes).toBe(`{"n":${n}}`);
    expect(byJson!.trace_id).toBe("5b8efff798038103d269b633813fc60c");
    const { request } = KINDS.logs;
    const bytes = request.encode(request.fromObject(log({ attributes: [attribute(n)] }))).finish();
    expect((await rows("logs", Buffer.from(bytes), PROTOBUF, "")).rows[0]!.attributes).toBe(`{"n":${n}}`);
  }
});

test("who sent it is the helm's word: what the body says of voyage, ship, task and epoch stays among its attributes", async () => {
  const claims = ["voyage", "ship", "task", "epoch", "voyage.id", "ship.id"].map((key) => ({
    key,
    value: { stringValue: "spoofed" },
  }));
  const [row] = await jsonRows("logs", log({ body: { stringValue: "x" }, attributes: claims }, { attributes: claims }));
  expect(row).toMatchObject({ voyage: "abc123", ship: "ship-0", task: "1", epoch: 2 });
  expect(JSON.parse(row!.attributes!)).toMatchObject({ ship: "spoofed", "ship.id": "spoofed" });
  expect(JSON.parse(row!.resource!)).toMatchObject({ task: "spoofed" });
});

test.each([
  ["a time to come", CAME_AT + 2 * 60 * 60_000],
  ["a year ago", CAME_AT - 365 * 24 * 60 * 60_000],
  ["1970", 1],
])("a row whose time cannot be true, %s, has the time at which it came, and says its own", async (_what, ms) => {
  const timeUnixNano = `${ms}000000`;
  const [row] = await jsonRows("logs", log({ timeUnixNano }));
  expect(row!.time).toBe(BigInt(CAME_AT) * 1000n);
  expect(row!.attributes).toBe(`{"ocaptain.told_time_ns":${timeUnixNano}}`);
});

test("after the captain's clock has jumped a day ahead, and back again, rows have the times of their senders", async () => {
  const timeUnixNano = `${CAME_AT}000000`;
  for (const jump of [0, 24 * 60 * 60_000, 0])
    expect((await jsonRows("logs", log({ timeUnixNano }), CAME_AT + jump))[0]!.time).toBe(BigInt(CAME_AT) * 1000n);
});

test.each<[string, string, Buffer, string, string]>([
  ["no gzip", "malformed", Buffer.from("hello"), PROTOBUF, "gzip"],
  ["a gzip that was cut off", "malformed", recorded("logs.pb.gz").subarray(0, 100), PROTOBUF, "gzip"],
  ["a protobuf that was cut off", "malformed", gunzipSync(recorded("logs.pb.gz")).subarray(0, 90), PROTOBUF, ""],
  ["garbage for protobuf", "malformed", Buffer.from("\xff\xff\xff\xff\x00garbage", "latin1"), PROTOBUF, ""],
  ["garbage for JSON", "malformed", Buffer.from('{"resourceLogs":['), JSON_TYPE, ""],
  ["JSON that is no object", "malformed", Buffer.from("[]null"), JSON_TYPE, ""],
  ["a list that is none", "malformed", Buffer.from('{"resourceLogs":{"length":1}}'), JSON_TYPE, ""],
  ["a form of a browser", "unknown-type", Buffer.from("a=b"), "application/x-www-form-urlencoded", ""],
  ["another compression", "unknown-type", Buffer.from("x"), PROTOBUF, "br"],
  ["a bomb", "too-big", gzipSync(Buffer.alloc(50e6)), PROTOBUF, "gzip"],
  ["more than may be", "too-big", Buffer.alloc(2e6, 32), JSON_TYPE, ""],
])("%s is refused, as %s", async (_what, reason, body, type, encoding) => {
  await expect(rows("logs", body, type, encoding)).rejects.toMatchObject({ reason });
});

test("an empty body is an empty request", async () => {
  for (const type of [PROTOBUF, JSON_TYPE])
    expect(await rows("logs", Buffer.alloc(0), type, "")).toEqual({ rows: [], tooMany: 0 });
});

test("what is nested without end is refused, or cut where it is deep; elements that are none make empty rows", async () => {
  const { request } = KINDS.logs;
  let bytes = Buffer.from([0x18, 1]);
  const withLength = (inner: Buffer) => {
    const length = [];
    for (let left = inner.length; ; left >>>= 7) {
      length.push(left > 127 ? (left & 127) | 128 : left);
      if (left <= 127) return Buffer.concat([Buffer.from(length), inner]);
    }
  };
  const field = (tag: number, inner: Buffer) => Buffer.concat([Buffer.from([tag]), withLength(inner)]);
  for (let level = 0; level < 5000; level++) bytes = field(0x2a, field(0x0a, bytes)); // AnyValue.array_value.values
  const nested = field(0x0a, field(0x12, field(0x12, field(0x2a, bytes))));
  expect(request.decode(field(0x0a, field(0x12, field(0x12, field(0x2a, Buffer.from([0x18, 1]))))))).toBeDefined();
  await expect(rows("logs", nested, PROTOBUF, "")).rejects.toMatchObject({ reason: "malformed" });

  const value = `${'{"arrayValue":{"values":['.repeat(3000)}{"intValue":1}${"]}}".repeat(3000)}`;
  const text = JSON.stringify(log({ body: null })).replace("null", value);
  const [deep] = (await rows("logs", Buffer.from(text), JSON_TYPE, "")).rows;
  expect(deep!.body).toBe(`${"[".repeat(12)}null${"]".repeat(12)}`);
  const [odd] = await jsonRows("logs", log({ body: 7, attributes: "x", timeUnixNano: {}, traceId: [], severityNumber: "y" }));
  expect(odd).toMatchObject({ body: null, attributes: null, trace_id: null, severity: null, ship: "ship-0" });
  expect(await jsonRows("metrics", { resourceMetrics: [null, 1, { scopeMetrics: [{ metrics: [null, { sum: 3 }] }] }] })).toEqual(
    [],
  );
});

test("a day has no more series of metrics than it may; those that it knows are taken on, and the next day has its own", async () => {
  const metric = (from: number, count: number) => ({
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              {
                name: "m",
                gauge: {
                  dataPoints: Array.from({ length: count }, (_, index) => ({
                    asInt: 1,
                    attributes: [{ key: "id", value: { intValue: from + index } }],
                  })),
                },
              },
            ],
          },
        ],
      },
    ],
  });
  const series = new Series();
  const admitted = async (folder: string, from: number, count: number, at = CAME_AT) =>
    series.admit(folder, await jsonRows("metrics", metric(from, count)), at).length;
  expect(await admitted("a", 0, 9_990)).toBe(9_990);
  expect(await admitted("a", 9_980, 30)).toBe(20);
  expect(await admitted("a", 0, 5)).toBe(5);
  expect(await admitted("b", 20_000, 30)).toBe(30);
  expect(await admitted("a", 20_000, 30, CAME_AT + 24 * 60 * 60_000)).toBe(30);
});

test("a request brings no more rows than it may, in one metric either; the others are counted", async () => {
  const points = Array.from({ length: MOST_ROWS + 5 }, (_, index) => ({ asInt: String(index) }));
  const body = Buffer.from(
    JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "m", sum: { dataPoints: points } }] }] }] }),
  );
  const { rows: kept, tooMany } = await rows("metrics", body, JSON_TYPE, "", 1e8);
  expect([kept.length, tooMany]).toEqual([MOST_ROWS, 5]);
});
