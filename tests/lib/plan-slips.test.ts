import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadPlan } from "../../lib/plan/load.ts";
import { parseJson } from "../../lib/plan/read.ts";
import { shellProblems } from "../../lib/plan/shell-syntax.ts";
import type { Plan } from "../../lib/plan/types.ts";
import { formatFindings } from "../support/findings.ts";

/**
 * Tests of slips of the pen that would cost somebody an hour, or leave a check that is never run, if preflight did not
 * report them.
 */
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slips-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const VOYAGE = { name: "n", repo: "https://example.org/r.git" };
const TASK = { id: "1", subject: "s", description: "d" };

async function load(files: Record<string, unknown>): Promise<{ plan: Plan } | { findings: string }> {
  await mkdir(join(folder, "tasks"), { recursive: true });
  const all = { "voyage.json": VOYAGE, "spec.md": "# S", "tasks/1.json": TASK, ...files };
  for (const [name, content] of Object.entries(all))
    await writeFile(
      join(folder, name),
      typeof content === "string" || Buffer.isBuffer(content) ? content : JSON.stringify(content),
    );
  const loaded = await loadPlan(folder);
  return "plan" in loaded ? loaded : { findings: formatFindings(loaded.findings) };
}

test("a key that nobody reads is refused, wherever it stands, with the one that was meant", async () => {
  const found = await load({
    "voyage.json": {
      ...VOYAGE,
      nmae: "n",
      claude: { modle: "opus" },
      network: { allow: [], deny: ["a.com"] },
      provision: [{ run: "true", timeout: 5 }],
      onSail: "rm -rf ~",
    },
    "tasks/1.json": {
      ...TASK,
      blockedby: [],
      metadata: { chekc: "false", timeout_seconds: 9, priority: "high", claude: { budget: 1 } },
    },
  });
  expect(found).toEqual({
    findings: [
      "tasks/1.json blockedby: unknown; did you mean blockedBy?",
      "tasks/1.json metadata.chekc: unknown; did you mean check?",
      "tasks/1.json metadata.claude.budget: unknown; did you mean budgetUsd?",
      "tasks/1.json metadata.priority: unknown; known here: check, rehearsal, timeoutSeconds, tries, touches, files, estimateMinutes, source, claude, ship, voyage; what is your own goes under x",
      "tasks/1.json metadata.timeout_seconds: unknown; did you mean timeoutSeconds?",
      "voyage.json claude.modle: unknown; did you mean model?",
      "voyage.json network.deny: unknown; known here: allow",
      "voyage.json nmae: unknown; did you mean name?",
      "voyage.json onSail: unknown; known here: name, repo, recommended_ships, timeoutSeconds, claude, prices, provision, network, github, max_parallel_width, total_tasks, created; what is your own goes under x",
      "voyage.json provision[0].timeout: unknown; did you mean timeoutSeconds?",
    ].join("\n"),
  });
});

test("what is a person's own stands under x", async () => {
  const found = await load({
    "voyage.json": { ...VOYAGE, x: 1 },
    "tasks/1.json": { ...TASK, metadata: { x: { priority: "high" } } },
  });
  expect(found).toMatchObject({ plan: { tasks: [{ metadata: { x: { priority: "high" } } }] } });
});

test("a key that stands twice is refused, with both lines: JSON would keep the last one without a word", async () => {
  const text =
    '{\n  "id": "1", "subject": "s", "description": "d",\n  "blockedBy": ["2"],\n  "metadata": {"claude": {"model": "a", "model": "b"}},\n  "blockedBy": []\n}';
  expect(await load({ "tasks/1.json": text, "tasks/2.json": { ...TASK, id: "2" } })).toEqual({
    findings:
      "tasks/1.json blockedBy: stands twice, in lines 3 and 5: only one would count\ntasks/1.json metadata.claude.model: stands twice, in lines 4 and 4: only one would count",
  });
});

test("a key is not taken for one that stands twice because a text looks like keys, or another object has it", () => {
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => ({ 'a": {"b': 'x":1,"x":', inner: { inner: value } }));
  fc.assert(
    fc.property(json, fc.constantFrom("", "\n  "), (value, space) => {
      const text = JSON.stringify(value, null, space);
      expect(parseJson(text)).toEqual({ value: JSON.parse(text), repeated: [] });
      const twice = text.replace("{", '{"inner" : 1, ');
      expect(parseJson(twice)).toMatchObject({ repeated: [{ field: "inner" }] });
    }),
  );
});

test("commands of plain words, which no bash is asked about, are sound: with another line before them bash says the same", async () => {
  const word = fc.constantFrom("test", "-f", "src/a.ts", "if", "then", "done", "time", "echo", "&&", "a=b", "in", "}", "(", "&");
  const commands = fc.sample(
    fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(" ")),
    100,
  );
  const script = (text: string, i: number) => ({ file: String(i), field: "", text });
  const broken = (found: { file: string }[]) => found.map(({ file }) => commands[Number(file)]);
  const asked = broken(await shellProblems(commands.map((text, i) => script(`true\n${text}`, i))));
  expect(broken(await shellProblems(commands.map(script)))).toEqual(asked);
  expect(asked.length).toBeGreaterThan(10);
});

test("commands that a ship could not run are refused: too long for Linux, carriage returns, what bash cannot read", async () => {
  const most = `: ${"x".repeat(128 * 1024 - 3)}`;
  const metadata = { rehearsal: most, check: "if true; then" };
  expect(
    await load({
      "voyage.json": { ...VOYAGE, provision: ["npm ci\r\nmake", "echo 'open"] },
      "tasks/1.json": { ...TASK, metadata },
      "tasks/2.json": { ...TASK, id: "2", metadata: { rehearsal: `${most}x`, check: "true" } },
    }),
  ).toEqual({
    findings: [
      "tasks/1.json metadata.check: bash cannot read it: line 2: syntax error: unexpected end of file",
      "tasks/2.json metadata.rehearsal: must have at most 131071 bytes, and has 131072: put it into a script in the repository",
      "voyage.json provision[0].run: must not hold carriage returns (the line ends of Windows): bash takes them as part of its words",
      "voyage.json provision[1].run: bash cannot read it: line 1: unexpected EOF while looking for matching `''",
    ].join("\n"),
  });
});

test("a verify.sh that could not judge is refused: carriage returns, what bash cannot read, another name", async () => {
  const verify = join(folder, "verify.sh");
  expect(await load({ "verify.sh": "#!/bin/bash\r\nset -e\r\ntest -f b\r\n" })).toEqual({
    findings: `verify.sh: must not hold carriage returns (the line ends of Windows): bash takes them as part of its words: sed -i 's/\\r$//' ${verify}`,
  });
  expect(await load({ "verify.sh": "set -e\nif true; then\n" })).toMatchObject({
    findings: expect.stringMatching(/^verify\.sh: bash cannot read it: line \d: syntax error/),
  });
  await rm(verify);
  for (const name of ["verfiy.sh", "Verify.sh", "verify.py", "verify"]) {
    expect(await load({ [name]: "true" })).toEqual({ findings: `${name}: is not read; did you mean verify.sh?` });
    await rm(join(folder, name));
  }
  expect(await load({ "verify.sh": "true", "verify.py": "1" })).toMatchObject({ plan: { verify: "true" } });
});

test("bash reads a plan's scripts at the captain and runs nothing of them", async () => {
  const mark = join(folder, "run");
  const script = `touch ${mark}\n: "$(touch ${mark})"\nif true; then touch ${mark}; fi\n`;
  expect(await load({ "verify.sh": script, "tasks/1.json": { ...TASK, metadata: { check: `touch ${mark}` } } })).toHaveProperty(
    "plan",
  );
  await expect(rm(mark)).rejects.toThrow("ENOENT");
});

test("two ids that are one number to a person are refused; a zero before the only one is not", async () => {
  expect(await load({ "tasks/007.json": { ...TASK, id: "007" }, "tasks/7.json": { ...TASK, id: "7" } })).toEqual({
    findings: "tasks/007.json id: is the same number as task 7's",
  });
  await rm(join(folder, "tasks/7.json"));
  expect(await load({})).toMatchObject({ plan: { tasks: [{ id: "1" }, { id: "007" }] } });
});

test("what no ship could hand on, and what nobody could read, is refused: NUL bytes, lists in lists without end", async () => {
  const metadata = { rehearsal: "a\0b" };
  expect(await load({ "tasks/1.json": { ...TASK, subject: "a\0b", description: "\0", activeForm: "\0", metadata } })).toEqual({
    findings: ["activeForm", "description", "metadata.rehearsal", "subject"]
      .map((field) => `tasks/1.json ${field}: must not hold a NUL byte`)
      .join("\n"),
  });
  const deep = `{"id": "1", "subject": "s", "description": "d", "metadata": {"x": ${"[".repeat(50_000)}${"]".repeat(50_000)}}}`;
  expect(await load({ "tasks/1.json": deep })).toEqual({ findings: "tasks/1.json: its lists and objects are nested too deeply" });
});

test("a number that is none, or past all bounds, is told", async () => {
  const text = '{"id": "1", "subject": "s", "description": "d", "metadata": {"timeoutSeconds": 1e999, "tries": 1.5}}';
  expect(await load({ "tasks/1.json": text })).toEqual({
    findings:
      "tasks/1.json metadata.timeoutSeconds: must be a number, and is Infinity\ntasks/1.json metadata.tries: must be a whole number, and is 1.5",
  });
});

test("what a task touches, takes and comes from is bounded, and null is as if it were not there", async () => {
  const metadata = { touches: ["src/**", "/etc"], files: ["../x"], estimateMinutes: 0, source: "T 1" };
  expect(await load({ "tasks/1.json": { ...TASK, metadata } })).toEqual({
    findings: [
      "tasks/1.json metadata.estimateMinutes: must be more than 0, and is 0",
      'tasks/1.json metadata.files[0]: must not hold the names . and .., nor // (for all files: **); it is "../x"',
      "tasks/1.json metadata.source: must be where the task came from, such as spec-kit:T012, in at most 200 characters without spaces",
      'tasks/1.json metadata.touches[1]: must be a path in the repository, and begin at its top without /; it is "/etc"',
    ].join("\n"),
  });
  const right = { touches: ["src/**"], files: null, estimateMinutes: 0.5, source: "github:owner/name#12" };
  expect(await load({ "tasks/1.json": { ...TASK, metadata: right } })).toMatchObject({ plan: { tasks: [{ metadata: right }] } });
});

test("a byte order mark is no part of what is read", async () => {
  expect(
    await load({
      "voyage.json": `\ufeff${JSON.stringify(VOYAGE)}`,
      "verify.sh": "\ufeff#!/bin/sh\ntrue\n",
      "tasks/1.json": `\ufeff${JSON.stringify(TASK)}`,
    }),
  ).toMatchObject({ plan: { name: "n", verify: "#!/bin/sh\ntrue\n" } });
});
