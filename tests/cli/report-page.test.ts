import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { factsOf } from "../../cli/report/facts/collect.ts";
import type { ReportFacts } from "../../cli/report/facts/facts.ts";
import type { Tables } from "../../cli/report/facts/tables.ts";
import { page } from "../../cli/report/page/page.ts";
import { EventKind, type VoyageEvent } from "../../lib/protocol/events.ts";
import { TaskStatus } from "../../lib/protocol/status.ts";
import type { StatusView } from "../../lib/watch/view.ts";
import { runs } from "../support/runs.ts";
import { type Element, elementsOf, readStrictXml, textOf } from "../support/strict-xml.ts";

/** The page of a report: whatever a ledger holds, it is a page, and nothing in it does anything. */
const ATTACKS = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  "</style><script>alert(1)</script>",
  "</title></head><body onload=alert(1)>",
  "<svg/onload=alert(1)>",
  "javascript:alert(1)",
  "]]><!--&<x>",
  "\u202eevil\u0000\u001b[31m\ufffe\ud800",
  "&lt;b&gt; &amp; &nosuch; &#0;",
];
/** What may be in the page: nothing that runs, loads or is sent. */
const ELEMENTS =
  /^(html|head|meta|title|style|body|main|header|nav|section|h1|h2|p|ul|li|a|b|span|br|code|pre|time|table|thead|tbody|tr|th|td|dl|dt|dd|div|details|summary|svg|g|rect|line|path|text)$/;
const ATTRIBUTES =
  /^(xmlns|lang|charset|name|content|http-equiv|id|class|href|title|datetime|scope|role|aria-label|aria-labelledby|aria-hidden|tabindex|width|height|x|y|x1|x2|y1|y2|dx|rx|d|text-anchor)$/;

/** Reads a page, and makes sure that nothing in it does anything. */
function read(text: string): Element {
  const document = readStrictXml(text);
  const all = elementsOf(document);
  const attributes = new Set(all.flatMap((element) => Object.keys(element.attributes)));
  expect([...new Set(all.map(({ name }) => name))].filter((name) => !ELEMENTS.test(name))).toEqual([]);
  expect([...attributes].filter((name) => !ATTRIBUTES.test(name))).toEqual([]);
  const links = all.flatMap((element) => element.attributes.href ?? []);
  expect(links.filter((link) => !/^#[a-z0-9-]+$/.test(link))).toEqual([]);
  return document;
}

const TABLES: Tables = {
  meta: { name: "", spec: "", verify: "", hand: "", budgetUsd: "", plan: "", orders: "" },
  ...{
    tasks: [],
    lives: [],
    deliveries: [],
    verifications: [],
    spent: { runs: [], spend: [], tasks: [], events: [] },
    questions: [],
    rescues: [],
  },
  ...{ events: [], eventCount: 0 },
};
const view = (more: Partial<StatusView> = {}): StatusView => ({
  ...{
    id: "abc123",
    stack: "v",
    name: null,
    state: "sailing",
    knownBy: "",
    since: null,
    sunkAs: null,
    from: "helm",
    asOf: null,
    branch: "v",
    tip: null,
  },
  ...{
    workspace: "",
    outside: [],
    spend: null,
    limited: null,
    paused: null,
    attention: [],
    landed: [],
    ships: [],
    taskRows: [],
    next: null,
  },
  tasks: { total: 0, pending: 0, claimed: 0, accepted: 0, blocked: 0, cancelled: 0, byShip: {} },
  ...more,
});
const FILE = { voyageId: "abc123", stack: "v", captainId: "c", nonce: "n", createdAt: "2026-11-28T10:00:00.000Z" };
const factsFrom = (tables: Partial<Tables>, more: Partial<StatusView> = {}, file: object = {}): ReportFacts =>
  factsOf({ voyage: { file: { ...FILE, ...file } }, view: view(more), tables: { ...TABLES, ...tables }, branch: null });

/** What a run has spent that came to nothing. */
const RUN = {
  ...{ epoch: 1, at: FILE.createdAt, cost_usd: 1, basis: "unknown" as const, turns: 1, seconds: 1 },
  ...{ input_tokens: 1, output_tokens: 1, cache_read_tokens: 1, cache_creation_tokens: 1 },
};
const THROWN_AWAY = { outcome: "ended" as const, thrown_away: true };

/** A task as a ledger has it. */
const taskOf = (id: string, text: string, more: Partial<Tables["tasks"][number]> = {}): Tables["tasks"][number] => ({
  ...{
    id,
    position: 1,
    body: null,
    status: "accepted",
    ship: text,
    life: 1,
    epoch: 1,
    tries: 0,
    commit_id: text,
    summary: text,
    reason: text,
  },
  planned: { id, subject: text, description: "", blocks: [], blockedBy: [], metadata: { check: text } },
  changed_at: "2026-11-28T10:00:10.000Z",
  ...more,
});

test("an attempt in each text that ships, plans, agents and repositories write is text on the page", () => {
  for (const attack of ATTACKS) {
    const at = (second: number) => `2026-11-28T10:00:${String(second).padStart(2, "0")}.000Z`;
    const of = {
      task: attack,
      ship: attack,
      epoch: 1,
      reason: attack,
      data: { ref: attack, files: [attack], first: true, until: attack },
    };
    const events = EventKind.options.map((kind, index): VoyageEvent => ({ seq: index + 1, at: at(index), kind, ...of }));
    const facts = factsFrom(
      {
        meta: { ...TABLES.meta, name: attack, spec: `# ${attack}\n\nObjective: ${attack}`, verify: attack, hand: attack },
        tasks: [taskOf("1", attack), taskOf(attack, attack, { status: "blocked" })],
        lives: [{ life: 1, ship: attack, incarnation: attack, fenced: 0, reason: attack }],
        deliveries: [{ task: "1", commit_id: attack, outside: { files: [attack], count: 1 }, seconds: 1 }],
        verifications: [
          { epoch: 1, commit_id: attack, script: attack, life: 1, status: "done", exit_code: 1, output: attack, at: at(1) },
        ],
        spent: {
          runs: [{ ...RUN, run: attack, session: attack, task: attack, ship: attack }],
          spend: [
            { ...RUN, run: attack, session: attack, task: attack, ship: attack, model: attack, ...THROWN_AWAY, reason: attack },
          ],
          tasks: [],
          events: [],
        },
        questions: [{ task: "1", epoch: 1, ship: attack, question: attack, asked_at: at(1), answer: attack }],
        rescues: [{ ref: attack, task: attack, epoch: 1, ship: attack, at: at(1) }],
        events,
        eventCount: events.length,
      },
      { stack: attack, branch: attack, tip: attack },
      { repository: { address: attack, roots: [] } },
    );
    const document = read(page(facts));
    expect(elementsOf(document).filter(({ name }) => name === "style")).toHaveLength(1);
    if (attack === ATTACKS[0]) expect(textOf(document).split(attack).length).toBeGreaterThan(30);
  }
});

test("pull requests are linked at the forge's own address, and are text at any other", () => {
  const pull = { branch: "b", base: "main", isDraft: false, mergeable: null, checks: [], approvedBy: [], changesBy: [] };
  const more = { ...pull, openComments: 0, asOf: null };
  const link = "https://forge.example/ann/quay/pulls/7";
  const document = readStrictXml(
    page(
      factsFrom(
        {},
        {
          landed: [
            { ...more, number: 7, url: link, link, state: "merged" },
            { ...more, number: 8, url: ATTACKS[1]!, link: null, state: "unknown" },
          ],
        },
      ),
    ),
  );
  const links = elementsOf(document).flatMap(({ attributes }) => attributes.href ?? []);
  expect(links.filter((each) => !each.startsWith("#"))).toEqual([link]);
  expect(textOf(document)).toContain(`Landed as 2 pull requests: #7 (merged), ${ATTACKS[1]}`);
});

const text = fc.oneof(fc.constantFrom(...ATTACKS, "why", ""), fc.string({ unit: "binary", maxLength: 20 }));
const name = fc.constantFrom("ship-0", "ship-1", "ship-2", "ship-10");
const id = fc.constantFrom("1", "2", "3", "4");
/** Any order of events, of whatever is possible and is not; now and then the clock goes back. */
const history = fc.array(
  fc.record({
    kind: fc.constantFrom(...EventKind.options),
    ship: fc.option(name, { nil: undefined }),
    task: fc.option(id, { nil: undefined }),
    epoch: fc.option(fc.nat(3), { nil: undefined }),
    reason: fc.option(text, { nil: undefined }),
    data: fc.option(
      fc.record({
        first: fc.boolean(),
        lost: fc.boolean(),
        failed: fc.boolean(),
        until: text,
        commit: text,
        exitCode: fc.nat(2),
      }),
      { nil: undefined },
    ),
    later: fc.integer({ min: -3_000, max: 20_000 }),
  }),
  { maxLength: 60 },
);
const rows = fc.array(
  fc.record({
    id,
    status: fc.constantFrom(...TaskStatus.options),
    blockedBy: fc.array(id, { maxLength: 3 }),
    epoch: fc.nat(3),
    text,
  }),
  { maxLength: 6 },
);

test("whatever happened, in whatever order: the page is well formed, and the segments of a ship follow each other", () => {
  fc.assert(
    fc.property(history, rows, fc.boolean(), (told, tasks, isThere) => {
      let at = Date.parse(FILE.createdAt);
      const events = told.map(({ later, ...event }, index): VoyageEvent => {
        at += later;
        return {
          seq: index + 1,
          at: new Date(at).toISOString(),
          ...(JSON.parse(JSON.stringify(event)) as Omit<VoyageEvent, "seq" | "at">),
        };
      });
      const rowOf = ({ id, status, blockedBy, epoch, text }: (typeof tasks)[number]) =>
        taskOf(id, text, { status, epoch, planned: { id, subject: text, description: "", blocks: [], blockedBy, metadata: {} } });
      const unique = [...new Map(tasks.map((task) => [task.id, rowOf(task)])).values()];
      const facts = factsFrom({ tasks: unique, events, eventCount: events.length }, { from: isThere ? "helm" : "files" });
      for (const { segments } of facts.ships)
        for (const [index, { from, to }] of segments.entries()) {
          expect(from <= to).toBe(true);
          if (index > 0) expect(segments[index - 1]!.to <= from).toBe(true);
          expect(facts.period.from <= from && to <= facts.period.to).toBe(true);
        }
      read(page(facts));
    }),
    { numRuns: runs(150, 40) },
  );
});

test("500 tasks and 100 ships make a page of less than 3 MB, with rows that are folded and counted", () => {
  const at = (second: number) => new Date(Date.parse(FILE.createdAt) + second * 1000).toISOString();
  const ids = Array.from({ length: 500 }, (_, index) => String(index + 1));
  const shipOf = (id: string) => `ship-${Number(id) % 100}`;
  const event = (kind: VoyageEvent["kind"], second: number, more: object) => ({ kind, at: at(second), ...more });
  const events = [
    event("voyage-registered", 0, { data: { first: true } }),
    ...Array.from({ length: 100 }, (_, index) => event("ship-hello", 1, { ship: `ship-${index}` })),
    ...ids.map((id) => event("task-granted", 10 * Math.ceil(Number(id) / 100), { task: id, ship: shipOf(id), epoch: 1 })),
    ...ids.map((id) => event("task-accepted", 10 * Math.ceil(Number(id) / 100) + 9, { task: id, ship: shipOf(id), epoch: 1 })),
  ]
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map((each, index) => ({ seq: index + 1, ...each }));
  const after = (id: string) => (Number(id) > 100 ? [String(Number(id) - 100), String(Number(id) - 99)] : []);
  const tasks = ids.map((id) =>
    taskOf(id, "A subject of some length, as tasks have them", {
      ship: shipOf(id),
      planned: { id, subject: "Subject", description: "", blocks: [], blockedBy: after(id), metadata: {} },
    }),
  );
  const written = page(factsFrom({ tasks, events, eventCount: events.length }));
  expect(Buffer.byteLength(written)).toBeLessThan(3_000_000);
  const document = read(written);
  const summaries = elementsOf(document)
    .filter(({ name }) => name === "summary")
    .map(textOf);
  expect(summaries).toEqual(expect.arrayContaining(["440 more tasks", "76 more ships", "1101 events"]));
});

test("its policy lets this style be used, and nothing else", () => {
  const document = read(page(factsFrom({})));
  const policy = elementsOf(document).find(({ attributes }) => attributes["http-equiv"] !== undefined)!.attributes.content;
  expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'$/);
  const style = readFileSync(new URL("../../cli/report/page/style.ts", import.meta.url), "utf8");
  expect(style).not.toMatch(/url\(|@import|http/);
});
