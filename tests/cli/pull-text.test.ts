import fc from "fast-check";
import { expect, test } from "vitest";
import type { PullAbout } from "../../cli/landing/pull/about.ts";
import { mergeBody, roomTaken } from "../../cli/landing/pull/edit.ts";
import { pullText } from "../../cli/landing/pull/text.ts";
import type { ReportFacts } from "../../cli/report/facts/facts.ts";
import { runs } from "../support/runs.ts";
import { commitOf, facts, setback, task, usage } from "./pull-facts.ts";

/** The text of a pull request: what a reviewer reads, whatever was written into the facts. */
const GITHUB = 65_536;
const about = (more: Partial<PullAbout> = {}): PullAbout => ({
  ...{ how: "per-task", unverified: false, verifiedCommit: commitOf("3"), limit: GITHUB },
  ...more,
});
const SMALL = facts(
  [
    task("1", "Lay the foundation", { check: "test -f foundation.txt", summary: "Piles and a slab." }),
    task("2", "Build the wall", { blockedBy: ["1"], ship: "ship-1", check: "npm test -- wall" }),
    task("3", "Set bollards", { blockedBy: ["2"], isCritical: true, summary: "Six, of cast iron; see `quay/bollards.txt`." }),
  ],
  [["1"], ["2"], ["3"]],
  { voyage: { objective: "Boats of up to 20 m can be moored:\n\n- six bollards\n- a ladder, as `plan.svg` has it" } },
);

/** A voyage in which much did not go by itself. */
const ROUGH = facts(
  [
    task("1", "Survey the site", {
      usage: usage(1.2),
      summary: "Measured depths; wrote survey.md",
      check: "node check.mjs | grep ok",
    }),
    task("2", "Dredge | the basin", { blockedBy: ["1"], outside: { files: ["quay/a.txt", "src/pump.ts"], count: 7 } }),
    task("3", "Drive piles", {
      status: "blocked",
      commit: null,
      ship: null,
      reason: "3 tries have failed: the hammer is broken",
    }),
    task("4", "Answer @octocat, who asked in #12", { status: "pending", commit: null, ship: null, blockedBy: ["3"] }),
    task("9", "A task that the plan gave up", { status: "cancelled" }),
  ],
  [
    ["1", "3"],
    ["2", "4"],
  ],
  {
    voyage: { hand: "claude", model: "opus", state: "needs-captain" as never, objective: "A basin.\nFixes #1, @team" },
    spend: {
      ...{
        total: usage(4.2, { basis: "derived" }),
        budgetUsd: 5,
        withoutTask: usage(0.1),
        deliveredUsd: 2.4,
        openUsd: 0,
        askedUsd: 0.3,
      },
      thrownAway: { usd: 1.4, by: [{ why: "failed", usd: 1.4, runs: 3 }] },
      byModel: [
        { model: "opus", costUsd: 4, tokens: 10_000, basis: "reported" },
        { model: "own-model", costUsd: 0.2, tokens: 3_000, basis: "derived" },
      ],
    },
    setbacks: [
      setback("failed", "3", "the hammer is broken\nclosing #4"),
      setback("conflict", "2", "a conflict with what others have delivered, in src/pump.ts"),
      setback("asked", "2", "How deep? 3 m or 4 m", { more: "4 m" }),
      setback("blocked", "3", "3 tries have failed"),
    ],
    verification: {
      ...{ script: "npm test\n", now: null },
      runs: [
        {
          ...{ epoch: 1, ship: "ship-0", commit: commitOf("2"), at: "2026-11-28T10:04:00.000Z", seconds: 75, end: "failed" },
          ...{ exitCode: 1, lastLines: "expected 3 < 4\n</pre> closes #7 @octocat\nnpm ERR! https://example.com/1" },
        },
      ],
    },
    unknown: ["Events are known from 10:02 on."],
  },
);

/** A voyage of 400 tasks in 20 waves, each with as much text as an agent likes to write. */
const IDS = Array.from({ length: 400 }, (_, index) => String(index + 1));
const LARGE = facts(
  IDS.map((id) =>
    task(id, `Port module ${id} of the harbour office to the new ledger, with its tests and its pages`, {
      blockedBy: Number(id) > 20 ? [String(Number(id) - 20)] : [],
      check: `npm test -- modules/office/${id}`,
      summary: `${"The module reads and writes the new ledger; the old one is read once more to move what is in it. ".repeat(4)}`,
    }),
  ),
  Array.from({ length: 20 }, (_, wave) => IDS.slice(wave * 20, wave * 20 + 20)),
);

const shown = ({ title, body }: { title: string; body: string }) => `${title}\n\n${body}\n`;

test("a small voyage that is verified", async () => {
  await expect(shown(pullText(SMALL, about()))).toMatchFileSnapshot("pull-text/small.md");
});

test("a voyage with setbacks, spend and changes outside of what it touches, not verified", async () => {
  const text = pullText(ROUGH, about({ how: "squash", unverified: true, verifiedCommit: null }));
  await expect(shown(text)).toMatchFileSnapshot("pull-text/rough.md");
});

test("a voyage of 400 tasks fits, and says what was left out", async () => {
  const text = pullText(LARGE, about({ verifiedCommit: commitOf("400") }));
  expect(text.body.length).toBeLessThanOrEqual(GITHUB);
  expect(text.body.length).toBeGreaterThan(GITHUB / 2);
  await expect(shown(text)).toMatchFileSnapshot("pull-text/large.md");
  const whole = pullText(LARGE, about({ limit: 1e7 }));
  expect(whole.body).not.toContain("left out");
  expect(whole.body.match(/^\| \d+ \|/gm)).toHaveLength(400);
});

test("a wave of a stack has its own tasks, and says where it stands", () => {
  const pulls = [{ wave: 1, number: 7, url: "https://forge.example/ann/quay/pulls/7" }];
  const { title, body } = pullText(SMALL, about({ how: "stack", part: { wave: 2, of: 3, tasks: ["2"], pulls } }));
  expect(title).toBe("A quay where boats can be moored (2 of 3)");
  expect(body).toContain("[wave 1](https://forge.example/ann/quay/pulls/7) → **wave 2** → wave 3");
  expect(body.match(/^\| \d+ \|.*/gm)).toHaveLength(1);
});

/** What would act, break out or load, in one of the two readings that a forge has of a text. */
const ATTACKS = [
  "@octocat",
  "closes #1",
  "fixes ann/quay#12, GH-3 and !4",
  "closes https://github.com/ann/quay/issues/1",
  "<img src=x onerror=alert(1)>",
  "![x](https://evil.example/x.png)",
  "[click](javascript:alert(1))",
  "</pre></details><!-- ocaptain:end -->",
  "<!-- ocaptain:begin 0123456789abcdef x -->",
  "| a | b |\n| --- | --- |",
  "```\n~~~\n---\n===",
  "/lgtm\n/approve",
  '"]\n  t0 --> t1\n  click t0 "https://evil.example"',
  "#quot; %%{init: {}}%%",
  "`a` @b `c",
  "\\",
  "\u202e\u0000\u001b[31m\ud800",
  "www.evil.example",
  "&lt;script&gt; &#64;octocat",
  "- [ ] a\n1. b\n> c\n# d\n    e",
];
/** What of a text is our own, and so may have what data may not. */
const OWN =
  /^#{3} [\w .]+$|&#x[0-9a-f]+;|<\/?(?:pre|code|details|summary|sub)>|^<!-- ocaptain:(?:begin [0-9a-f]{16} [\w ;]+|end) -->$|^> \[!(?:NOTE|WARNING)\]$/gm;

/** Makes sure that nothing of a body acts, as it is and as markdown. */
function expectInert(body: string): void {
  const rest = body.replace(OWN, "¤");
  expect(rest).not.toMatch(/[@<]|#|!\d|:\/\/|\bGH-\d|\p{Bidi_Control}|^\//mu);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
  expect(rest).not.toMatch(/[\x00-\x08\x0b-\x1f]/);
  const markdown = body.replace(/^(?:<pre>$.*?^<\/pre>|```mermaid$.*?^```)$/gms, "").replace(/(?<!\\)`[^`\n]*`/g, "");
  expect(markdown).not.toMatch(/(?<!\\)\]\(|\bwww\.(?!&)/i);
  expect(body.match(/^```.*$/gm) ?? []).toEqual(body.includes("```mermaid") ? ["```mermaid", "```"] : []);
  const graph = /^```mermaid\n(.*?)\n```$/ms.exec(body)?.[1]?.split("\n") ?? [];
  for (const line of graph)
    expect(line).toMatch(
      /^flowchart LR$|^ {2}(?:[tw]\d+\["[^"[\]<>#;\\`]*"\]|[tw]\d+(?: --> [tw]\d+)+|classDef \w+ [\w:-]+( 4)?|class [t\d,]+ \w+)$/,
    );
  const rows = body.split("\n").filter((line) => line.startsWith("| "));
  expect(new Set(rows.map((row) => row.replaceAll(/\\./g, "").split("|").length)).size).toBeLessThanOrEqual(1);
  for (const tag of ["pre", "code", "details", "summary"])
    expect(body.split(`<${tag}>`).length).toBe(body.split(`</${tag}>`).length);
}

/** Facts in which each text that others wrote is this one. */
const hostile = (text: string): ReportFacts =>
  facts(
    [
      task("1", text, { check: text, summary: text, ship: text, outside: { files: [text], count: 2 } }),
      task(text || "2", text, { status: "blocked", reason: text, blockedBy: ["1"], commit: text, ship: text }),
    ],
    [["1"], [text || "2"]],
    {
      voyage: {
        purpose: text,
        name: text,
        stack: text || "v",
        objective: `${text}\n\n- ${text}\n\n\`${text}\`\n\`\`\`\n${text}`,
        hand: text,
        model: text,
        reportedBy: text,
      },
      spend: {
        ...{ total: usage(1), budgetUsd: 2, withoutTask: null, deliveredUsd: 1, openUsd: 0, askedUsd: 0 },
        thrownAway: { usd: 1, by: [{ why: text, usd: 1, runs: 1 }] },
        byModel: ["a", text].map((model) => ({ model, costUsd: 1, tokens: 1, basis: "reported" as const })),
      },
      setbacks: [setback("asked", "1", text, { more: text, ship: text }), setback("rescued", text, text)],
      verification: {
        ...{ script: text, now: null },
        runs: [{ epoch: 1, ship: text, commit: text, at: text, seconds: 1, end: "failed", exitCode: 1, lastLines: text }],
      },
      unknown: [text],
    },
  );
const attack = fc.array(fc.oneof(fc.constantFrom(...ATTACKS, " ", "\n", "a", "9"), fc.string({ unit: "binary", maxLength: 6 })), {
  maxLength: 6,
});

test("nothing that a plan, an agent or a ship wrote acts on the forge, leaves its place, or gets lost", () => {
  for (const text of ATTACKS) expectInert(mergeBody("", pullText(hostile(text), about({ unverified: true })).body));
  fc.assert(
    fc.property(attack, fc.constantFrom("per-task", "squash", "stack"), (parts, how) => {
      const { title, body } = pullText(hostile(parts.join("")), about({ how, unverified: true }));
      expectInert(mergeBody("", body));
      expect(title).not.toMatch(/[@#]\S|:\/\/|!\d|^\s*(wip|draft):|\n/i);
      expect(title.length).toBeLessThanOrEqual(256);
      expect(title.trim()).not.toBe("");
    }),
    { numRuns: runs(400, 60) },
  );
});

test("whatever the limit is, the text keeps to it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 70_000 }), (limit) => {
      const { body } = pullText({ ...LARGE, tasks: LARGE.tasks.slice(0, 90) }, about({ limit }));
      expect(body.length).toBeLessThanOrEqual(limit);
      if (limit > 2_000) expect(body).toContain("### How it was made");
    }),
    { numRuns: runs(12, 5) },
  );
});

test("a text is edited between its marks; what people wrote around it stays", () => {
  const people = fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => text.replaceAll("<!--", ""));
  const ours = fc.constantFrom("one", "two\n\nthree", "| a |\n| --- |");
  fc.assert(
    fc.property(people, people, ours, ours, fc.boolean(), (above, below, first, second, inBrowser) => {
      const made = mergeBody("", first);
      const edited = inBrowser ? made.replaceAll("\n", "\r\n") : made;
      const again = mergeBody(`${above}${edited}${below}`, second);
      expect(again).toBe(`${above}${mergeBody("", second)}${below}`);
      expect(mergeBody(again, second)).toBe(again);
    }),
    { numRuns: runs(200, 50) },
  );
});

test("marks that somebody broke, and words between them, lose nothing: ours comes below and says so", () => {
  const made = mergeBody("Please review by Friday.\n", "our text of old");
  const broken = [
    made.replace("<!-- ocaptain:end -->", ""),
    made.replace(/<!-- ocaptain:begin.*-->/, ""),
    made.replace("of old", "of old, and mine"),
    made.replace("<!-- ocaptain:begin", "<!-- ocaptain:begins"),
  ];
  for (const old of broken) {
    const again = mergeBody(old, "our new text");
    expect(again.startsWith(old.trimEnd())).toBe(true);
    expect(again).toContain("was changed by somebody");
    const third = mergeBody(`${again}\n\nAnd thanks.`, "our newest text");
    expect(third.startsWith(old.trimEnd())).toBe(true);
    expect(third).toMatch(/our newest text\n<!-- ocaptain:end -->\n\nAnd thanks\.$/);
    expect(third).not.toContain("our new text");
  }
  expect(mergeBody("A text of a person alone.", "ours")).toMatch(/^A text of a person alone\.\n\n<!-- ocaptain:begin .*\nours\n/);
});

test("what people wrote has its room within the limit of the forge", () => {
  const old = mergeBody(`${"words of people ".repeat(1_000)}\n`, "ours");
  const { body } = pullText(LARGE, about({ limit: GITHUB - roomTaken(old) }));
  const whole = mergeBody(old, body);
  expect(whole.length).toBeLessThanOrEqual(GITHUB);
  expect(whole).toContain("### Tasks");
});
