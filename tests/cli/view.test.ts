import { execaSync } from "execa";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDuration, span } from "../../cli/output/durations.ts";
import { table } from "../../cli/output/table.ts";
import { fold, wrap, wrapCommand } from "../../cli/output/wrap.ts";
import { renderStatus } from "../../cli/status/render.ts";
import { counted } from "../../lib/base/counted.ts";
import type { MutagenSession } from "../../lib/mutagen/session.ts";
import { sessionKinds } from "../../lib/mutagen/sessions.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { nextStep } from "../../lib/voyage/next-step.ts";
import { attentionOf } from "../../lib/watch/attention.ts";
import { sortSessions, syncAttention, syncOf } from "../../lib/watch/sync-view.ts";
import type { ShipView, StatusView } from "../../lib/watch/view.ts";

/**
 * The time of all views in this file. Their data is what no real fleet can be brought to on demand: answers of a helm
 * and of a sync daemon, in their own shapes.
 */
const NOW = Date.parse("2026-11-23T10:00:00Z");
const session = (kind: string, more: Partial<MutagenSession> = {}): MutagenSession => ({
  identifier: kind,
  name: kind,
  labels: { ship: "ship-0", kind },
  status: "watching",
  mirror: null,
  connected: true,
  paused: false,
  halted: null,
  conflicts: [],
  problems: [],
  problemPaths: [],
  problemsCut: false,
  lastError: null,
  cycles: 1,
  clean: true,
  text: "watching",
  ...more,
});
const three = (more: Partial<MutagenSession> = {}) => sessionKinds.map((kind) => session(kind, kind === "workspace" ? more : {}));
const away = { connected: false, status: "disconnected" };

test.each([
  ["all well", three(), "idle", "ok"],
  ["one at work", three({ status: "staging-beta" }), "idle", "busy"],
  ["out of reach, its ship asleep", three(away), "asleep", "asleep"],
  ["out of reach, its ship at work", three(away), "working", "away"],
  ["in conflict", three({ conflicts: ["a"] }), "asleep", "trouble"],
  ["halted", three({ halted: "one side's folder was emptied" }), "idle", "trouble"],
  ["paused", three({ paused: true }), "idle", "trouble"],
  ["one missing", three().slice(1), "idle", "trouble"],
  ["none", [], "idle", "none"],
] as const)("a ship's syncs: %s", (_what, sessions, state, expected) => {
  expect(syncOf(sortSessions(sessions), "ship-0", state).state).toBe(expected);
});

test("no daemon is no trouble of the ship's: the state of its syncs is unknown", () => {
  expect(syncOf(null, "ship-0", "working").state).toBe("unknown");
});

test("a sync that stands still, or leaves something out, needs the captain; one of a ship asleep does not", () => {
  const found = (more: Partial<MutagenSession>) =>
    syncAttention(sortSessions(three(more)), "ship-0", "/mirror", "sea").map((each) => each.message);
  expect(found(away)).toEqual([]);
  expect(found({ halted: "emptied" })).toEqual(["the workspace sync of ship-0 stands still: emptied"]);
  expect(found({ problems: ["beta big.bin: too large"] })).toEqual([expect.stringContaining("beta big.bin: too large")]);
});

test("files that changed while they were carried, as when a tree is reset, do not need the captain: the next cycle carries them", () => {
  const staged = "/o/mutagen/abc123/staging/sync_nVs4-alpha/19/19b370";
  const changed = `alpha d/f0: unable to create file: unable to set staged file permissions: unable to set permission bits: chmod ${staged}: no such file or directory`;
  const look = (problems: string[]) => {
    const syncs = sortSessions(three({ status: "staging-alpha", problems }));
    const messages = syncAttention(syncs, "ship-0", "/mirror", "sea").map((each) => each.message);
    return [syncOf(syncs, "ship-0", "working").state, messages];
  };
  expect(look([changed])).toEqual(["busy", []]);
  expect(look([changed, "beta big.bin: too large"])).toEqual([
    "trouble",
    ["the workspace sync of ship-0 leaves something out: beta big.bin: too large"],
  ]);
});

const ship = (more: Partial<ShipView>): ShipView => ({
  ship: "ship-0",
  state: "idle",
  knownBy: "connected",
  factAt: null,
  since: null,
  task: null,
  usage: null,
  note: null,
  sync: { state: "ok", text: "ok" },
  ...more,
});
const status = (more: Partial<VoyageStatus>): VoyageStatus => ({
  id: "abc123",
  stack: "sea",
  name: "n",
  state: "sailing",
  branch: "sea",
  tip: "0".repeat(40),
  verified: null,
  tasks: [],
  ships: [],
  spend: {
    costUsd: 0,
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheCreationTokens: 0,
    turns: 0,
    seconds: 0,
    budgetUsd: null,
    byShip: {},
  },
  asOf: "2026-11-23T10:00:00Z",
  ...more,
});

test("a failed verification, a lost ship with what it holds, and a voyage that stands still, each with a command", () => {
  const verified = { commit: "abcdef0123456789", exitCode: 2, output: "ok 1\nnot ok 2\n", at: "2026-11-23T10:00:00Z" };
  const lost = ship({ state: "lost", task: { id: "7", subject: "Keel", since: "2026-11-23T09:00:00Z" } });
  const found = [...attentionOf(status({ state: "failed", verified }), [lost]), ...attentionOf(status({ state: "stalled" }), [])];
  expect(found.map((each) => each.message)).toEqual([
    "verify.sh failed at abcdef01, exit status 2: not ok 2",
    "ship-0 is lost, with task 7 (connected)",
    "work is left and no ship is there",
  ]);
  for (const { hint } of found) expect(hint).toContain("pulumi up -s sea");
});

test("a target of notices that was not reached is told, by its name without what is secret, with the command that tests it", () => {
  const unreached = [{ target: "notify[0] (https://ntfy.sh)", why: "it answers 403", at: "2026-11-23T09:00:00Z" }];
  expect(attentionOf(status({ unreached }), [])).toEqual([
    expect.objectContaining({
      kind: "notices",
      message: "notify[0] (https://ntfy.sh) did not get its newest notice: it answers 403",
      hint: expect.stringMatching(/^ocaptain notify test sea {2}#/),
      since: "2026-11-23T09:00:00Z",
    }),
  ]);
});

const VIEW: StatusView = {
  id: "abc123",
  stack: "sea",
  name: null,
  state: "blocked",
  knownBy: "all that is left waits for a blocked task",
  since: null,
  sunkAs: null,
  from: "helm",
  asOf: null,
  branch: "sea",
  tip: null,
  workspace: "/w",
  tasks: { total: 1, pending: 0, claimed: 0, accepted: 0, blocked: 1, cancelled: 0, byShip: {} },
  outside: [],
  spend: null,
  paused: null,
  limited: null,
  attention: [],
  landed: [],
  ships: [],
  taskRows: [],
  next: null,
};
const attention = (kind: "task" | "question", of: string, message: string, hint: string) => ({
  ...{ id: `${kind}/${of}`, kind, of, message, hint, since: null },
  action: { verb: "none" as const },
});

test("that a voyage is ready to land needs you, and is marked as no fault", () => {
  const action = { verb: "none" as const };
  const about = { kind: "landing" as const, of: "quay", hint: "ocaptain land quay", since: null, action };
  const rows = ["ready/ab", "7/ci-failed/ab"].map((id) => ({ ...about, id: `landing/${id}`, message: id }));
  const text = renderStatus({ ...VIEW, attention: rows }, { style: (_format, text) => text, columns: 80 });
  expect(text).toMatch(/needs you \(2\)\n {2}✓ ready\/ab\n[\s\S]* {2}✗ 7\/ci-failed\/ab\n/);
});

test("a status ends with the next step of a voyage that has come to its end, whole, and with none of another", () => {
  const io = { style: (_: unknown, text: string) => text, columns: 40 } as never;
  const next = nextStep("verified", "sea", "/w/a-workspace-with-a-long-name");
  const text = renderStatus({ ...VIEW, state: "verified", next }, io);
  expect(text).toMatch(/^next: ocaptain clone sea\n {6}# .*\/w\/a-workspace-with-a-long-name.*\n {6}# pulumi destroy -s sea$/ms);
  expect(renderStatus(VIEW, io)).not.toContain("next:");
});

test("what agents wrote cannot steer the terminal from a status", () => {
  const view: StatusView = {
    ...VIEW,
    attention: [
      attention("task", "1", "\x1b[2Jgone\nsecond", "x"),
      { ...attention("question", "2", "asks", "x"), detail: "\x1b[31mred\x07?\r\nor \x9b31mgreen?" },
    ],
    ships: [ship({ task: { id: "1", subject: "\x1b]0;title\x07Keel\r!", since: "2026-11-23T09:00:00Z" } })],
  };
  const text = renderStatus(view, { style: (_format, text) => text, columns: undefined }, NOW);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  expect(text).toContain("#1 Keel!");
  expect(text).toContain("      red?\n      or green?\n");
});

test("a table's columns line up, empty ones are left out, and none is wider than the terminal", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 12 });
  const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(rows, (texts) => {
      const lines = table(
        ["ONE", "TWO", "THREE"],
        texts.map((row) => row.map((text) => ({ text }))),
        60,
      );
      expect(lines).toHaveLength(texts.length + 1);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
      for (const [index, name] of ["ONE", "TWO", "THREE"].entries()) {
        const at = lines[0]!
          .split("  ")
          .map((text) => text.trim())
          .includes(name)
          ? lines[0]!.indexOf(name)
          : -1;
        expect(at >= 0).toBe(texts.some((row) => row[index] !== ""));
        if (at >= 0) for (const [i, row] of texts.entries()) expect(lines[i + 1]!.slice(at).startsWith(row[index]!)).toBe(true);
      }
    }),
  );
});

test("a table that is too wide is cut at its widest columns, between words, so that no row is broken by the terminal", () => {
  const long = "a task with a subject that says a good deal more than there is room for in a row";
  const rows = [["ship-0", "asleep", "called 3 times, no answer yet", "workspace: waiting for the other side", long]];
  const lines = table(
    ["SHIP", "STATE", "KNOWN BY", "SYNC", "TASK"],
    rows.map((row) => row.map((text) => ({ text }))),
    80,
  );
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(lines[1]).toMatch(/^ship-0 {2}asleep {2}called 3 times, no… +workspace: waiting… +a task with a…$/);
  // A name is cut only where the rest of the row leaves no room for it.
  const [, named] = table(["VOYAGE", "NOTE"], [[{ text: "a".repeat(50) }, { text: long }]], 70);
  expect(named).toBe(`${"a".repeat(50)}  a task with a…`);
  expect(table(["VOYAGE", "STATE"], [[{ text: "a".repeat(50) }, { text: "sailing" }]], 30)[1]).toBe(
    `${"a".repeat(20)}…  sailing`,
  );
});

test("what is longer than a line of the terminal is broken between words; a hint can be pasted all the same", () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1 }),
      fc.integer({ min: 20, max: 90 }),
      (words, columns) => {
        const lines = wrap(words.join(" "), columns, "  ✗ ", "    ");
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
        expect(lines.map((line) => line.slice(4)).join(" ")).toBe(words.join(" "));
      },
    ),
  );
  expect(wrap("one two", undefined, "  ")).toEqual(["  one two"]);
  expect(wrap(`a ${"x".repeat(30)} b`, 20, " ")).toEqual([" a", ` ${"x".repeat(30)}`, " b"]);
  const words = "there is a good deal to say about what has gone wrong here, and it is said in full and in plain words".repeat(2);
  const hint = `pulumi -C '/a folder' up -s sea && pulumi stack output summary -s sea --show-secrets && ${"x".repeat(90)}  # it heals, and ${words}`;
  const view = { ...VIEW, attention: [{ ...attention("task", "1", words, hint), detail: words }] };
  const lines = renderStatus(view, { style: (_format, text) => text, columns: 80 }, NOW).split("\n");
  expect(lines.filter((line) => line.length > 80)).toEqual([`      ${"x".repeat(90)}`]);
  const pasted = lines.slice(lines.findIndex((line) => line.includes("hint:"))).join("\n");
  expect(pasted).toMatch(/^ {4}hint: pulumi -C '\/a folder' up .* \\\n {6}\S.* \\\n {6}x+\n {6}# it heals, and/);
  const { stdout } = execaSync("sh", ["-c", wrapCommand("printf '%s|' 'a b' \"c  d\" e f g h  # one two", 14).join("\n")]);
  expect(stdout).toBe("a b|c  d|e|f|g|h|");
});

test("what is said of a voyage before it sails is broken under its labels", () => {
  const text = "What sails:\n  plan        a plan that says what it is about in one line, and is so long\n  ships       2";
  expect(fold(text, 50)).toBe(
    [
      "What sails:",
      "  plan        a plan that says what it is about in",
      "              one line, and is so long",
      "  ships       2",
    ].join("\n"),
  );
  expect(fold("warning: one two three\n  hint: ocaptain sail sea", 20)).toBe(
    "warning: one two\n  three\n  hint: ocaptain \\\n    sail sea",
  );
  expect(fold(text, undefined)).toBe(text);
});

test.each([
  [1, "1 try"],
  [2, "2 tries"],
  [0, "0 tries"],
])("%i of something", (count, text) => expect(counted(count, "try", "tries")).toBe(text));

test("durations are read and told", () => {
  expect([parseDuration("45s"), parseDuration("1h30m"), parseDuration("1.5d")]).toEqual([45_000, 5_400_000, 129_600_000]);
  for (const text of ["", "10", "m", "10m ago", "-5m"]) expect(() => parseDuration(text)).toThrow(/not a duration/);
  const ago = (seconds: number) => span(new Date(NOW - seconds * 1000).toISOString(), NOW);
  expect([ago(-5), ago(9), ago(61), ago(3700), ago(90_000)]).toEqual(["0s", "9s", "1m01s", "1h01m", "1d01h"]);
});
