import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { changeBetween, lookOf } from "../../helm/page/changes.ts";
import { cleaned } from "../../helm/page/clean.ts";
import { type Source, Streams, type TIMES } from "../../helm/page/streams.ts";
import { sendError } from "../../helm/server/http.ts";
import type { TaskRow } from "../../lib/protocol/status.ts";
import type { PageView, PageVoyage } from "../../lib/watch/page-api.ts";
import { Browser } from "../support/page.ts";

/** What the streams send, of voyages that are but numbers. */
const task = (id: number, more: Partial<TaskRow> = {}): TaskRow => ({
  id: String(id),
  subject: `Task ${id}`,
  status: "pending",
  blockedBy: [],
  ship: null,
  incarnation: null,
  epoch: 0,
  tries: 0,
  commit: null,
  reason: null,
  changedAt: "2026-01-01T00:00:00.000Z",
  ...more,
});
const view = (taskRows: TaskRow[], more: Record<string, unknown> = {}) =>
  ({ id: "abc123", asOf: new Date().toISOString(), ships: [], ...more, taskRows, sinking: null }) as unknown as PageView;

const FAST = { turn: 5, look: 20, list: 20, ping: 40, stalled: 300 };
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Serves streams of a source, and counts how often it was looked at. */
async function serve(source: Partial<Source>, times: Partial<typeof TIMES> = FAST) {
  const looks = { voyages: 0, view: 0 };
  let change = () => {};
  const streams = new Streams(
    {
      voyages: async () => {
        looks.voyages++;
        return (await source.voyages?.()) ?? [];
      },
      view: async (id) => {
        looks.view++;
        return (await source.view?.(id)) ?? null;
      },
      watch: (_id, onChange) => {
        change = onChange;
        return () => {};
      },
    },
    () => "build",
    () => {},
    times,
  );
  const server = createServer((request, response) => {
    try {
      streams.open(response, (new URL(request.url!, "http://page").searchParams.get("voyages") ?? "").split(",").filter(Boolean));
    } catch (error) {
      sendError(response, error);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    streams.close();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { streams, looks, port, changed: () => change(), browser: new Browser(port) };
}

test("rows that have changed are sent, and no others; what is only older by now is nothing new", () => {
  const ship = (knownBy: string) => ({ ships: [{ ship: "ship-0", state: "lost", knownBy }] });
  const before = lookOf(view([task(1), task(2), task(3)], { ...ship("last heard 3 s ago"), tip: "a", limited: { until: "x" } }));
  const later = view([task(1), task(2), task(3)], { ...ship("last heard 9 s ago"), tip: "a", limited: { until: "x" } });
  expect(changeBetween(before, lookOf(later))).toBeNull();
  const now = lookOf(view([task(1), task(4), task(2, { status: "claimed" })], { ...ship("fenced"), tip: "b" }));
  expect(changeBetween(before, now)).toEqual({
    voyage: "abc123",
    set: { tip: "b", limited: null, asOf: expect.any(String) },
    ships: { rows: [{ ship: "ship-0", state: "lost", knownBy: "fenced" }], gone: [] },
    taskRows: { rows: [task(4), task(2, { status: "claimed" })], gone: ["3"], order: ["1", "4", "2"] },
  });
});

test("text of strangers is sent without what is not seen", () => {
  expect(cleaned({ "a\u202e": ["plain", "x\u001b[31m\u202ey\nz", 1, null, { b: "\u200b" }] })).toEqual({
    a: ["plain", "xy\nz", 1, null, { b: "" }],
  });
});

test("all clients are served by one look, and none is made while there is no client", async () => {
  let rows = [task(1)];
  const { looks, browser, changed, streams } = await serve({ view: async () => view(rows) });
  expect(looks).toEqual({ voyages: 0, view: 0 });
  const clients = await Promise.all(Array.from({ length: 10 }, () => browser.stream("abc123")));
  await Promise.all(clients.map((client) => client.next("view")));
  const before = looks.view;
  rows = [task(1, { status: "claimed" })];
  changed();
  for (const client of clients) {
    const { taskRows } = await client.next("change");
    expect(taskRows?.rows).toEqual(rows);
    expect(client.events.filter(({ event }) => event === "view")).toEqual([]);
  }
  expect(looks.view - before).toBeLessThan(10);
  for (const client of clients) client.close();
  await expect.poll(() => streams.count).toBe(0);
  const last = looks.view;
  // Others' pings tell that time has passed.
  const others = await serve({});
  const clock = await others.browser.stream();
  for (let count = 0; count < 4; count++) await clock.next("ping");
  clock.close();
  expect(looks.view).toBeLessThanOrEqual(last + 1);
});

test("many changes are sent together: not more often than the helm looks", async () => {
  let count = 0;
  const { browser, changed } = await serve({ view: async () => view([task(1, { tries: count })]) }, { ...FAST, turn: 60 });
  const client = await browser.stream("abc123");
  await client.next("view");
  const timer = setInterval(() => {
    count++;
    changed();
  }, 1);
  const seen: number[] = [];
  while ((seen.at(-1) ?? 0) < 200) seen.push((await client.next("change")).taskRows!.rows[0]!.tries);
  clearInterval(timer);
  expect(seen.length).toBeLessThan(60);
  client.close();
});

test("a voyage that is not there is told as gone, and as whole when it is there again; eight at most are streamed", async () => {
  let there = false;
  const { browser } = await serve({ view: async () => (there ? view([task(1)]) : null) });
  const client = await browser.stream("abc123");
  expect(await client.next("gone")).toEqual({ voyage: "abc123" });
  there = true;
  expect((await client.next("view")).view.taskRows).toHaveLength(1);
  there = false;
  await client.next("gone");
  await client.next("ping");
  client.close();
  expect((await browser.get(`/?voyages=${Array.from({ length: 9 }, (_, index) => index)}`)).status).toBe(400);
});

test("a client that takes nothing is dropped, and meanwhile the others go on; too many are refused", async () => {
  // More than the system's buffers take of it; what changes then is little.
  const filler = "x".repeat(200_000);
  const rows = Array.from({ length: 80 }, (_, id) => task(id, { subject: filler }));
  let count = 0;
  const { browser, port, streams } = await serve(
    {
      view: async () => {
        count++;
        return view([...rows, task(99, { tries: count })]);
      },
    },
    { ...FAST, stalled: 3_000 },
  );
  const stalled = connect(port, "127.0.0.1");
  stalled.on("error", () => {});
  stalled.pause();
  stalled.write("GET /?voyages=abc123 HTTP/1.1\r\nhost: x\r\n\r\n");
  await expect.poll(() => streams.count).toBe(1);
  const client = await browser.stream("abc123");
  await client.next("view");
  await expect.poll(() => streams.count, { timeout: 60_000 }).toBe(1);
  const then = count;
  const { taskRows } = await client.next("change", (change) => change.taskRows!.rows[0]!.tries > then);
  expect(taskRows!.rows).toHaveLength(1);
  client.close();
  stalled.destroy();
  await expect.poll(() => streams.count).toBe(0);
  const clients = await Promise.all(Array.from({ length: 32 }, () => browser.stream()));
  expect((await browser.get("/")).status).toBe(503);
  for (const each of clients) each.close();
});

test("the list of voyages is sent anew when a row of it has changed", async () => {
  let needsYou = 0;
  const row = () => [{ id: "abc123", stack: "quay", needsYou } as PageVoyage];
  const { browser } = await serve({ voyages: async () => row() });
  const client = await browser.stream();
  expect((await client.next("voyages")).voyages).toEqual(row());
  needsYou = 2;
  expect((await client.next("voyages")).voyages).toEqual(row());
  client.close();
});
