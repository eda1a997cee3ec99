import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import type { Usage } from "../../lib/protocol/ship-reports.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage, ship } from "../support/helm-voyage.ts";

/**
 * A ship that lies to the helm in every field of every call. Beside it sail an honest ship of its voyage, and another
 * voyage.
 */
const [ID, OTHER] = ["abc123", "abc124"];
const TIMING = { leaseSeconds: 120, heartbeatSeconds: 10, fenceSeconds: 90, lingerSeconds: 8 };
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
let folder: VoyageFolder;
let pid: number;
let liar: Awaited<ReturnType<typeof come>>;
let honest: Awaited<ReturnType<typeof come>>;
let stranger: Awaited<ReturnType<typeof come>>;
let grant: Grant;

beforeAll(async () => {
  captain = await makeCaptain();
  helm = await ensureHelm();
  const plan = makePlan({ "1": [], "2": [], "3": [] }, { metadata: { "2": { tries: 1 } } });
  const source = makeSource(captain.root);
  const voyage = await makeVoyage(source, "sea", plan, { timing: TIMING, hand: "claude" });
  folder = voyage.folder;
  await helm.registerVoyage(ID, voyage.register);
  await helm.registerVoyage(OTHER, (await makeVoyage(source, "lake", makePlan({ "1": [] }), { timing: TIMING })).register);
  pid = (await helm.health()).pid;
  [liar, honest, stranger] = [await come(ID, "ship-0"), await come(ID, "ship-1"), await come(OTHER, "ship-0")];
  grant = await liar.call.grant();
});
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

async function come(voyageId: string, name: string) {
  const { token } = await helm.registerShip(voyageId, name, "vm");
  const call = ship(captain.url, token, "vm");
  await call.hello();
  await call.raw("trial", { fit: true, message: "" });
  /** A body as a liar writes it: `raw` stands where JSON.stringify would not. */
  const lie = async (name: string, body: object, raw = "0"): Promise<number> => {
    const response = await fetch(`${captain.url}/v1/ship/${name}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body).replace('"@raw"', raw),
      signal: AbortSignal.timeout(20_000),
    }).catch(() => null);
    await response?.text().catch(() => "");
    return response?.status ?? 413; // hung up in the midst of a body without end
  };
  return { call, lie };
}

type Body = Record<string, unknown>;
const COMMIT = "1".repeat(40);
const NONE: Usage = {
  costUsd: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheCreationTokens: 0,
  turns: 0,
  seconds: 0,
};
/** What an honest crew would send; it holds task 1. */
const honestBody = (): Record<string, Body> => {
  const held = { task: "1", epoch: grant.epoch };
  const common = { requestId: randomUUID(), incarnation: "vm" };
  const bodies: Record<string, Body> = {
    hello: { pid: 1, node: "v24.1.0", git: "git version 2.43.0" },
    claim: { only: "1" },
    heartbeat: { claim: held, note: "at work" },
    session: { ...held, session: randomUUID() },
    usage: { session: randomUUID(), run: randomUUID(), usage: { ...NONE }, growing: true },
    trial: { fit: true, message: "" },
    limited: { until: new Date(Date.now() - 1000).toISOString(), message: "resets 3pm" },
    verified: { epoch: 1, commit: COMMIT, exitCode: 0, output: "", seconds: 1 },
    accept: { ...held, commit: COMMIT, summary: "did it", check: { exitCode: 0, output: "" }, seconds: 1 },
    ask: { ...held, question: "Which?" },
    release: { ...held, reason: "because", failed: false },
  };
  return Object.fromEntries(Object.entries(bodies).map(([call, body]) => [call, { ...common, ...body }]));
};

const WRONG_KIND: Record<string, unknown> = { "a list": ["x"], "an object": { x: 1 }, null: null, nothing: undefined };
const NUMBERS: Record<string, unknown> = {
  ...WRONG_KIND,
  negative: -2,
  "2^53": 2 ** 53,
  huge: 1e308,
  "NaN, as text": "NaN",
  "a text": "7",
};
/** JSON cannot say infinity, but a parser makes it of this. */
const [INFINITE, FRACTION] = ["1e999", "0.5"];
const MARKS: Record<string, string> = {
  "a line feed": "a\nb",
  "an escape sequence": "\x1b]0;title\x07\x1b[2J",
  "a bidirectional override": "a\u202eb",
  "a zero-width space": "a\u200bb",
  NUL: "a\0b",
  "half of a character": "\ud800",
};
const NAMES: Record<string, unknown> = {
  ...WRONG_KIND,
  ...MARKS,
  "a number": 7,
  empty: "",
  "100 kB": "a".repeat(100_000),
  "../..": "../..",
};
const WORDS: Record<string, unknown> = { ...WRONG_KIND, "a number": 7, "100 kB": "a".repeat(100_000) };

type Kind = "number" | "whole" | "name" | "word" | "flag";
const LIES: Record<Kind, Record<string, unknown>> = {
  number: NUMBERS,
  whole: NUMBERS,
  name: NAMES,
  word: WORDS,
  flag: { ...WRONG_KIND, "a text": "yes", "a number": 1 },
};
/** Each field that a ship sends, and whether it may be left out or be null. */
const FIELDS: [call: string, field: string, kind: Kind, may?: "nothing" | "null" | "empty"][] = [
  ["hello", "pid", "whole"],
  ["hello", "node", "name", "empty"],
  ["hello", "git", "name", "empty"],
  ["claim", "only", "name", "nothing"],
  ["heartbeat", "note", "word", "nothing"],
  ["heartbeat", "claim.task", "name"],
  ["heartbeat", "claim.epoch", "whole"],
  ["session", "session", "name"],
  ["session", "epoch", "whole"],
  ["usage", "session", "name"],
  ["usage", "run", "name"],
  ...(["costUsd", "seconds"] as const).map((field): [string, string, Kind] => ["usage", `usage.${field}`, "number"]),
  ...(["inputTokens", "outputTokens", "cacheReadTokens", "cacheCreationTokens", "turns"] as const).map(
    (field): [string, string, Kind] => ["usage", `usage.${field}`, "whole"],
  ),
  ["usage", "growing", "flag", "nothing"],
  ["trial", "fit", "flag"],
  ["trial", "message", "word"],
  ["limited", "until", "name"],
  ["limited", "message", "word"],
  ["verified", "epoch", "whole"],
  ["verified", "commit", "name"],
  ["verified", "exitCode", "whole"],
  ["verified", "output", "word"],
  ["verified", "seconds", "number"],
  ["accept", "task", "name"],
  ["accept", "epoch", "whole"],
  ["accept", "commit", "name"],
  ["accept", "summary", "word"],
  ["accept", "check.exitCode", "whole"],
  ["accept", "check.output", "word"],
  ["accept", "seconds", "number"],
  ["ask", "question", "word"],
  ["release", "reason", "word"],
  ["release", "failed", "flag"],
  ...["hello", "claim", "heartbeat", "session", "usage", "trial", "limited", "verified", "accept", "ask", "release"].flatMap(
    (call): [string, string, Kind][] => [
      [call, "requestId", "name"],
      [call, "incarnation", "name"],
    ],
  ),
];

function withLie(call: string, field: string, value: unknown): Body {
  const body = structuredClone(honestBody()[call]!);
  const path = field.split(".");
  const at = path.slice(0, -1).reduce((inner, key) => inner[key] as Body, body);
  at[path.at(-1)!] = value;
  return body;
}

describe("a ship that lies in any field of any call is refused by field, and named", () => {
  test.each(FIELDS)("%s: %s", async (call, field, kind, may) => {
    for (const [lie, value] of Object.entries(LIES[kind])) {
      if (lie === may) continue;
      expect([lie, await liar.lie(call, withLie(call, field, value))]).toEqual([lie, 400]);
      const { refused } = await helm.ship(ID, "ship-0");
      expect([lie, refused]).toEqual([lie, expect.stringMatching(new RegExp(`^${call}: .*${field.split(".")[0]}`))]);
    }
    if (kind === "whole" || kind === "number")
      expect(await liar.lie(call, withLie(call, field, "@raw"), INFINITE), "infinite").toBe(400);
    if (kind === "whole") expect(await liar.lie(call, withLie(call, field, "@raw"), FRACTION), "a fraction").toBe(400);
  });

  test.each(["", "not JSON", "[]", "null", '"text"', "{}", `{"__proto__":{"requestId":"12345678"}}`])(
    "a body that is %j",
    async (body) => {
      for (const call of Object.keys(honestBody())) {
        const raw = await liar.lie(call, ["@raw"] as object, body).catch(() => 0);
        expect([call, raw]).toEqual([call, 400]);
      }
    },
  );

  test("10 MB in one field: the helm hangs up", async () => {
    for (const call of Object.keys(honestBody()))
      expect([call, await liar.lie(call, { ...honestBody()[call], requestId: "a".repeat(10_000_000) })]).toEqual([call, 413]);
  });

  test.each(["constructor", "toString", "__proto__", "hello%2f..", ""])("a call that is none: %j", async (name) => {
    expect(await liar.lie(name, {})).toBe(404);
  });
});

test("words with all that steers a terminal are taken as words, and none of them ends a call in an error of the helm's", async () => {
  for (const [call, field, kind] of FIELDS.filter(([call]) => call !== "release" && call !== "ask"))
    for (const [lie, value] of kind === "word" ? Object.entries(MARKS) : [])
      expect([call, field, lie, [200, 409].includes(await liar.lie(call, withLie(call, field, value)))]).toEqual([
        call,
        field,
        lie,
        true,
      ]);
});

test("calls out of their order, repeated, and a thousand at once change nothing and stall nobody", async () => {
  const others = { task: "2", epoch: 1 };
  for (const call of ["accept", "release", "ask", "session"])
    expect([call, await liar.lie(call, { ...honestBody()[call], ...others })]).toEqual([call, 409]);
  const same = honestBody().usage!;
  const statuses = await Promise.all(Array.from({ length: 1000 }, () => liar.lie("usage", same)));
  expect(statuses.every((status) => status === 200 || status === 429 || status === 503)).toBe(true);
  expect((await honest.call.heartbeat()).status).toBe(200);
});

test("after all that: the same helm, both voyages whole, the other ship at work, and every way to steer works", async () => {
  expect((await helm.health()).pid).toBe(pid);
  const status = await helm.voyage(ID);
  expect(status.tasks.map(({ status, tries }) => [status, tries])).toEqual([
    ["claimed", 0],
    ["pending", 0],
    ["pending", 0],
  ]);
  expect((await helm.voyage(OTHER)).tasks).toMatchObject([{ status: "pending" }]);
  expect((await stranger.call.claim()).kind).toBe("grant");
  const second = await honest.call.grant();
  expect((await honest.call.raw("ask", { task: second.task.id, epoch: second.epoch, question: "Which?" })).status).toBe(200);
  expect(await helm.answerTask(ID, second.task.id, "That one.")).toMatchObject({ status: "pending" });
  expect(await helm.releaseTask(ID, "1", "it lies")).toMatchObject({ status: "pending" });
  expect(await liar.lie("heartbeat", honestBody().heartbeat!), "it is fenced").toBe(409);
});

test("spend beyond measure neither blinds nor blocks: sums are clamped, a ship's life tells so much and no more, fenced it begins no run", async () => {
  const { call } = await come(ID, "ship-2");
  const most: Usage = {
    costUsd: 100_000,
    inputTokens: 1e12,
    outputTokens: 1e12,
    cacheReadTokens: 1e12,
    cacheCreationTokens: 1e12,
    turns: 1e9,
    seconds: 1e9,
  };
  const tell = (usage: Usage) => call.raw("usage", { session: randomUUID(), run: randomUUID(), usage });
  for (let run = 0; run < 20; run++) expect((await tell(most)).status).toBe(200);
  const { spend } = await helm.voyage(ID);
  expect(spend.byShip!["ship-2"]).toMatchObject({ costUsd: 100_000, inputTokens: 20e12 });
  await helm.fenceShip(ID, "ship-2", "vm", "it lies");
  expect((await tell(NONE)).status).toBe(409);
});

test("a ledger that already holds what no run can be is read all the same: status, release, retry, answer, up", async () => {
  const held = await honest.call.grant();
  process.kill(pid, "SIGKILL");
  const ledger = new DatabaseSync(folder.ledger);
  const insert = ledger.prepare("INSERT INTO runs VALUES (?, 's', ?, 1, '2026', ?, ?, ?, ?, ?, ?, ?)");
  const bad = Number.MAX_SAFE_INTEGER;
  for (let row = 0; row < 3; row++) insert.run(randomUUID(), held.task.id, 1e308, BigInt(bad), 2n ** 62n, bad, bad, bad, 1e308);
  insert.run(randomUUID(), held.task.id, -1e308, -5, -5, -5, -5, -5, -1);
  ledger.close();
  await ensureHelm();
  const { tasks, spend } = await helm.voyage(ID);
  expect(spend.costUsd).toBeLessThan(1e6);
  expect(tasks.find(({ id }) => id === held.task.id)?.usage).toMatchObject({
    costUsd: 300_000,
    inputTokens: 3e12,
    outputTokens: 3e12,
  });
  expect(await helm.task(ID, held.task.id)).toMatchObject({ status: "claimed" });
  expect(await helm.releaseTask(ID, held.task.id, "on")).toMatchObject({ status: "pending" });
  expect(await helm.retryTask(ID, held.task.id)).toMatchObject({ status: "pending" });
  expect(await helm.liftLimits(ID)).toEqual({ lifted: [] });
});
