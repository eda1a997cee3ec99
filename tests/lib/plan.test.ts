import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { digestOf } from "../../lib/plan/digest.ts";
import { loadPlan, purposeOf } from "../../lib/plan/load.ts";
import { parseJson } from "../../lib/plan/read.ts";
import { Plan } from "../../lib/plan/types.ts";
import { formatFindings } from "../support/findings.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "plan-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Files = Record<string, unknown>;
const REPO = "https://example.org/r.git";

const task = (id: string, more: object = {}) => ({
  id,
  subject: `Do ${id}`,
  description: `All of ${id}`,
  activeForm: `Doing ${id}`,
  status: "pending",
  blocks: [],
  blockedBy: [],
  metadata: {},
  ...more,
});

/** A plan of three tasks, each of which waits for the one before, as the prior art's skill writes it. */
const sound = (): Files => ({
  "voyage.json": {
    name: "survey",
    repo: REPO,
    recommended_ships: 2,
    max_parallel_width: 1,
    total_tasks: 3,
    created: "2026-01-30",
  },
  "spec.md": "# Survey the code\n\nText.\n",
  "verify.sh": "#!/bin/sh\ntest -f report.html\n",
  "tasks/1.json": task("1", { blocks: ["2"] }),
  "tasks/2.json": task("2", { blockedBy: ["1"], blocks: ["3"] }),
  "tasks/3.json": task("3", { blockedBy: ["2"] }),
});

async function write(files: Files): Promise<void> {
  await mkdir(join(folder, "tasks"), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) continue;
    await writeFile(
      join(folder, name),
      typeof content === "string" || Buffer.isBuffer(content) ? content : JSON.stringify(content, null, 2),
    );
  }
}

/** Gives what is found in the sound plan with these files in place of its own; undefined takes a file away. */
async function findingsWith(changes: Files, options: { repo?: string } = {}): Promise<string> {
  await write({ ...sound(), ...changes });
  const loaded = await loadPlan(folder, options);
  return "findings" in loaded ? formatFindings(loaded.findings) : "";
}

test("a plan of the prior art sails unchanged: its keys, no activeForm, a verify.sh that is not executable", async () => {
  await write({
    ...sound(),
    "voyage.json": { ...(sound()["voyage.json"] as object), max_parallel_width: 7, recommended_ships: null },
    "tasks/1.json": {
      ...task("1", { blocks: ["2"] }),
      owner: "",
      activeForm: undefined,
      metadata: { ship: "ship-1", voyage: null },
    },
    "tasks/.lock": "",
    "tasks/.highwatermark": "3",
    "README.md": "notes",
  });
  await chmod(join(folder, "verify.sh"), 0o644);
  const loaded = await loadPlan(folder);
  if ("findings" in loaded) throw new Error(formatFindings(loaded.findings));
  expect(Plan.parse(loaded.plan)).toEqual(loaded.plan);
  expect(loaded.plan).toMatchObject({ name: "survey", purpose: "Survey the code", recommendedShips: null, width: 1 });
  expect(loaded.plan.tasks.map(({ id, metadata }) => [id, metadata])).toEqual([
    ["1", { ship: "ship-1", voyage: null }],
    ["2", {}],
    ["3", {}],
  ]);
});

test("null in a field that a crew reads is as if the field were left out", async () => {
  const metadata = { check: null, rehearsal: null, timeoutSeconds: null, tries: null, claude: null, touches: null };
  await write({ ...sound(), "tasks/1.json": { ...task("1", { blocks: ["2"] }), metadata } });
  const loaded = await loadPlan(folder);
  if ("findings" in loaded) throw new Error(formatFindings(loaded.findings));
  expect(loaded.plan.tasks[0]!.metadata).toEqual({ touches: null });
});

test("only a name is required, and of a task a subject and a description; the rest follows, and a wrong count is a warning", async () => {
  const voyage = { name: "n", repo: REPO };
  const least = { subject: "s", description: "" };
  await write({ ...sound(), "voyage.json": voyage, "tasks/1.json": least, "tasks/2.json": { title: "t", description: "" } });
  await write({ "tasks/3.json": { ...least, id: null, blockedBy: ["2"] } });
  const loaded = await loadPlan(folder);
  expect(loaded).toMatchObject({
    plan: { width: 2, tasks: [{ id: "1" }, { id: "2", subject: "t", blocks: ["3"] }, { id: "3" }] },
    warnings: [],
  });
  await write({ "voyage.json": { ...voyage, total_tasks: 4, max_parallel_width: -0.5 } });
  const counted = await loadPlan(folder);
  if ("findings" in counted) throw new Error(formatFindings(counted.findings));
  expect("plan" in loaded && loaded.plan.digest).toBe(counted.plan.digest);
  expect(formatFindings(counted.warnings)).toBe(
    [
      "voyage.json max_parallel_width: is -0.5, and should be 2, the most tasks that can run at one time: it is not read, and may be left out",
      "voyage.json total_tasks: is 4, and should be 3, the tasks that are there: it is not read, and may be left out",
    ].join("\n"),
  );
});

test("without verify.sh there is nothing to verify by; an empty one is refused", async () => {
  await write({ ...sound(), "verify.sh": undefined });
  expect(await loadPlan(folder)).toMatchObject({ plan: { verify: null } });
  expect(await findingsWith({ "verify.sh": "\n" })).toBe("verify.sh: is empty");
});

test("ocaptain:repo stands in for the plan's", async () => {
  await write(sound());
  expect(await loadPlan(folder, { repo: "https://example.org/another.git" })).toMatchObject({
    plan: { repo: "https://example.org/another.git" },
  });
});

test("provision steps: text or object, each with its time; none is the same as no list", async () => {
  const voyage = sound()["voyage.json"] as object;
  const load = async (provision: unknown) => {
    await write({ ...sound(), "voyage.json": { ...voyage, provision } });
    const loaded = await loadPlan(folder);
    if ("findings" in loaded) throw new Error(formatFindings(loaded.findings));
    expect(Plan.parse(loaded.plan)).toEqual(loaded.plan);
    return loaded.plan;
  };
  expect((await load(["npm ci", { run: "make", timeoutSeconds: 5 }])).provision).toEqual([
    { run: "npm ci", timeoutSeconds: 600 },
    { run: "make", timeoutSeconds: 5 },
  ]);
  const none = await load([]);
  expect(none).not.toHaveProperty("provision");
  expect((await load(undefined)).digest).toBe(none.digest);
  expect((await load(["npm ci"])).digest).not.toBe(none.digest);
});

test("timeoutSeconds of all tasks: in the plan and its digest; null is as if it were not there", async () => {
  const voyage = sound()["voyage.json"] as object;
  const load = async (more: object) => {
    await write({ ...sound(), "voyage.json": { ...voyage, ...more } });
    const loaded = await loadPlan(folder);
    if ("findings" in loaded) throw new Error(formatFindings(loaded.findings));
    expect(Plan.parse(loaded.plan)).toEqual(loaded.plan);
    return loaded.plan;
  };
  const [none, short, long] = [
    await load({ timeoutSeconds: null }),
    await load({ timeoutSeconds: 0.5 }),
    await load({ timeoutSeconds: 7200 }),
  ];
  expect(none).not.toHaveProperty("timeoutSeconds");
  expect([short.timeoutSeconds, long.timeoutSeconds]).toEqual([0.5, 7200]);
  expect((await load({})).digest).toBe(none.digest);
  expect(new Set([none, short, long].map((plan) => plan.digest)).size).toBe(3);
});

test("network: names in lower case, once each; an empty list is not the same as none. github: true, or as if it were not there", async () => {
  const voyage = sound()["voyage.json"] as object;
  const load = async (more: object) => {
    await write({ ...sound(), "voyage.json": { ...voyage, ...more } });
    const loaded = await loadPlan(folder);
    if ("findings" in loaded) throw new Error(formatFindings(loaded.findings));
    expect(Plan.parse(loaded.plan)).toEqual(loaded.plan);
    return loaded.plan;
  };
  const names = ["API.Anthropic.com", "*.npmjs.org", "api.anthropic.com", "x--1.co"];
  expect((await load({ network: { allow: names } })).network).toEqual({ allow: ["api.anthropic.com", "*.npmjs.org", "x--1.co"] });
  expect((await load({ network: { allow: [] } })).network).toEqual({ allow: [] });
  expect((await load({ github: true })).github).toBe(true);
  const none = await load({ network: null, github: false });
  expect(none).not.toHaveProperty("network");
  expect(none).not.toHaveProperty("github");
  expect((await load({})).digest).toBe(none.digest);
  const digests = [none, await load({ network: { allow: [] } }), await load({ github: true })].map((plan) => plan.digest);
  expect(new Set(digests).size).toBe(3);
});

test("prices of models sail with the plan; without a model it is as if they were not there; what cannot be a price is named", async () => {
  const voyage = sound()["voyage.json"] as object;
  const load = async (prices: unknown) => {
    await write({ ...sound(), "voyage.json": { ...voyage, prices } });
    const loaded = await loadPlan(folder);
    return "findings" in loaded ? formatFindings(loaded.findings) : Plan.parse(loaded.plan);
  };
  const prices = {
    "vendor/qwen3:free": { input: 0, output: 0 },
    "m[1m]": { input: 1, output: 2, cacheRead: 0.1, cacheWrite: 3 },
  };
  expect(await load(prices)).toMatchObject({ prices });
  expect(await load({})).toEqual(await load(null));
  expect(await load({ "a b": { input: 1, output: 2 }, m: { input: -1, outputs: 2, cacheRead: "1" } })).toBe(
    [
      'voyage.json prices.m.cacheRead: must be a number, and is "1"',
      "voyage.json prices.m.input: must be at least 0, and is -1",
      "voyage.json prices.m.output: is missing",
      "voyage.json prices.m.outputs: unknown; did you mean output?",
    ].join("\n"),
  );
  expect(await load({ "a b": { input: 1, output: 2 } })).toBe("voyage.json prices.a b: must be a model's name");
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`m${n}`, { input: 1, output: 2 }]));
  expect(await load(many)).toBe("voyage.json prices: must have at most 100 models, and has 101");
});

test.each<[string, Files, string]>([
  [
    "names that a network policy does not know",
    {
      "voyage.json": {
        ...{ name: "n", repo: REPO, github: "yes" },
        network: { allow: ["*", "10.0.0.1", "::1", "https://a.com", "a.com:443", "a.*.com", "a..com", "-a.com", "", 7, "*."] },
      },
    },
    [
      'voyage.json github: must be true or false, and is "yes"',
      'voyage.json network.allow[0]: * would allow everything: leave network out; it is "*"',
      'voyage.json network.allow[1]: is an address: a network policy knows names only; it is "10.0.0.1"',
      'voyage.json network.allow[2]: is an address: a network policy knows names only; it is "::1"',
      ...[
        [3, "https://a.com"],
        [4, "a.com:443"],
        [5, "a.*.com"],
        [6, "a..com"],
        [7, "-a.com"],
        [8, ""],
      ].map(
        ([i, name]) =>
          `voyage.json network.allow[${i}]: must be a domain (api.example.com), or all below one (*.example.com): no scheme, port or path; it is "${name}"`,
      ),
      "voyage.json network.allow[9]: must be text in quotes, and is 7",
      'voyage.json network.allow[10]: must be a domain (api.example.com), or all below one (*.example.com): no scheme, port or path; it is "*."',
    ].join("\n"),
  ],
  [
    "a time for all tasks that is none",
    { "voyage.json": { name: "n", repo: REPO, timeoutSeconds: 0 } },
    "voyage.json timeoutSeconds: must be more than 0, and is 0",
  ],
  [
    "a time for all tasks of more than a week",
    { "voyage.json": { name: "n", repo: REPO, timeoutSeconds: 604_801 } },
    "voyage.json timeoutSeconds: must be at most 604800, and is 604801",
  ],
  [
    "a network that is misspelt leaves nothing open",
    { "voyage.json": { name: "n", repo: REPO, network: { allowed: ["a.com"] } } },
    "voyage.json network.allow: is missing\nvoyage.json network.allowed: unknown; did you mean allow?",
  ],
  [
    "provision steps that are none",
    {
      "voyage.json": {
        ...{ name: "n", repo: REPO },
        provision: ["npm ci", 7, " ", { timeoutSeconds: 5 }, { run: "a\0b", timeoutSeconds: 3601 }],
      },
    },
    [
      'voyage.json provision[1]: must be a shell command, or {"run", "timeoutSeconds"}, and is 7',
      "voyage.json provision[2].run: must not be empty",
      "voyage.json provision[3].run: is missing",
      "voyage.json provision[4].run: must not hold a NUL byte",
      "voyage.json provision[4].timeoutSeconds: must be at most 3600, and is 3601",
    ].join("\n"),
  ],
  [
    "provision is no list",
    { "voyage.json": { name: "n", repo: REPO, provision: "npm ci" } },
    'voyage.json provision: must be a list, [...], and is "npm ci"',
  ],
  [
    "no tasks",
    { "tasks/1.json": undefined, "tasks/2.json": undefined, "tasks/3.json": undefined, "voyage.json": { name: "n", repo: REPO } },
    "tasks: there are no tasks: a plan has tasks/1.json, tasks/2.json, …",
  ],
  ["no spec", { "spec.md": undefined }, "spec.md: is missing"],
  ["an empty spec", { "spec.md": " \n" }, "spec.md: is empty"],
  ["a spec that is no text", { "spec.md": Buffer.from([0x23, 0xff, 0xfe]) }, "spec.md: is not UTF-8 text"],
  ["a huge spec", { "spec.md": "x".repeat(1024 * 1024 + 1) }, "spec.md: is 1048577 bytes long; at most 1048576 are taken"],
  ["no voyage.json", { "voyage.json": undefined }, "voyage.json: is missing"],
  ["voyage.json is a list", { "voyage.json": [] }, "voyage.json: must be an object, {...}, and is []"],
  ["no name", { "voyage.json": { repo: REPO } }, "voyage.json name: is missing"],
  [
    "no ships",
    { "voyage.json": { name: "n", repo: REPO, recommended_ships: 0 } },
    "voyage.json recommended_ships: must be at least 1, and is 0",
  ],
  [
    "ships below none",
    { "voyage.json": { name: "n", repo: REPO, recommended_ships: -3 } },
    "voyage.json recommended_ships: must be at least 1, and is -3",
  ],
  [
    "half a ship",
    { "voyage.json": { name: "n", repo: REPO, recommended_ships: 1.5 } },
    "voyage.json recommended_ships: must be a whole number, and is 1.5",
  ],
  [
    "a million ships",
    { "voyage.json": { name: "n", repo: REPO, recommended_ships: 1e6 } },
    "voyage.json recommended_ships: must be at most 1000, and is 1000000",
  ],
  [
    "a total that is no number",
    { "voyage.json": { name: "n", repo: REPO, total_tasks: "3" } },
    'voyage.json total_tasks: must be a number, and is "3"',
  ],
  [
    "a repository that is a command",
    { "voyage.json": { name: "n", repo: "ext::sh -c id" } },
    "voyage.json repo: must be a URL or a path, not a remote helper",
  ],
  [
    "a repository with a password",
    { "voyage.json": { name: "n", repo: "https://u:hunter2@example.org/r" } },
    "voyage.json repo: must not hold a name or a password: it would be in logs and in the state (for a private repository write GH_TOKEN=… into the file .env of this project, which git ignores)",
  ],
  [
    "a repository with a token",
    { "voyage.json": { name: "n", repo: "https://ghp_hunter2@example.org/r" } },
    "voyage.json repo: must not hold a name or a password: it would be in logs and in the state (for a private repository write GH_TOKEN=… into the file .env of this project, which git ignores)",
  ],
  [
    "broken JSON",
    { "tasks/2.json": '{\n  "id": "2",\n  "blocks": }\n' },
    "tasks/2.json: line 3, column 13: Unexpected token '}'",
  ],
  ["an empty file", { "tasks/3.json": "" }, "tasks/3.json: line 1, column 1: Unexpected end of JSON input"],
  [
    "a task blocks itself",
    { "tasks/3.json": task("3", { blockedBy: ["2", "3"], blocks: ["3"] }) },
    "tasks/3.json blockedBy[1]: names the task itself\ntasks/3.json blocks[0]: names the task itself",
  ],
  [
    "a reference to nothing",
    { "tasks/3.json": task("3", { blockedBy: ["2", "9"] }) },
    'tasks/3.json blockedBy[1]: there is no task "9"',
  ],
  [
    "a reference that is no id",
    { "tasks/3.json": task("3", { blockedBy: ["2", "../1"] }) },
    'tasks/3.json blockedBy[1]: there is no task "../1"',
  ],
  [
    "blocks that blockedBy does not know",
    { "tasks/2.json": task("2", { blocks: ["3"] }) },
    "tasks/1.json blocks[0]: task 2 does not name 1 in its blockedBy: the two files disagree",
  ],
  [
    "blockedBy that blocks does not know",
    { "tasks/2.json": task("2", { blockedBy: ["1"] }) },
    "tasks/3.json blockedBy[0]: task 2 does not name 3 in its blocks: the two files disagree",
  ],
  [
    "an id that is no number",
    { "tasks/3.json": task("3", { id: 3, blockedBy: ["2"] }) },
    "tasks/3.json id: must be text in quotes, and is 3",
  ],
  [
    "an id that is another file's",
    { "tasks/3.json": task("2", { blockedBy: ["1"], blocks: ["3"] }) },
    `tasks/3.json id: is "2", but the file is task 3's: the two must agree, so that no two tasks have one id`,
  ],
  [
    "a started task",
    { "tasks/3.json": task("3", { blockedBy: ["2"], status: "in_progress" }) },
    'tasks/3.json status: must be "pending", as a plan has no started tasks, and is "in_progress"',
  ],
  [
    "a blank subject",
    { "tasks/3.json": task("3", { blockedBy: ["2"], subject: " " }) },
    "tasks/3.json subject: must not be empty",
  ],
  [
    "metadata that is a list",
    { "tasks/3.json": task("3", { blockedBy: ["2"], metadata: [] }) },
    "tasks/3.json metadata: must be an object, {...}, and is []",
  ],
])("%s", async (_name, changes, found) => {
  expect(await findingsWith(changes)).toBe(found);
});

test("a task's file is named by its id", async () => {
  await write(sound());
  await rename(join(folder, "tasks/3.json"), join(folder, "tasks/three.json"));
  const loaded = await loadPlan(folder);
  expect("findings" in loaded && formatFindings(loaded.findings)).toBe(
    'tasks/2.json blocks[0]: there is no task "3"\ntasks/three.json: its name must be a task id, 1 to 9 digits, and .json',
  );
});

test("missing fields are named one by one", async () => {
  expect(await findingsWith({ "tasks/3.json": { id: "3" } })).toBe(
    ["description", "subject"].map((field) => `tasks/3.json ${field}: is missing`).join("\n"),
  );
});

test("our own metadata has types; what is under x is free", async () => {
  const metadata = { rehearsal: 3, check: " ", timeoutSeconds: -1, tries: 0, x: { anything: [null] } };
  expect(await findingsWith({ "tasks/3.json": task("3", { blockedBy: ["2"], metadata }) })).toBe(
    [
      "tasks/3.json metadata.check: must not be empty",
      "tasks/3.json metadata.rehearsal: must be text in quotes, and is 3",
      "tasks/3.json metadata.timeoutSeconds: must be more than 0, and is -1",
      "tasks/3.json metadata.tries: must be at least 1, and is 0",
    ].join("\n"),
  );
});

test("a budget that is not there to be spent is a finding, of the plan as of a task", async () => {
  expect(
    await findingsWith({
      "voyage.json": { name: "n", repo: REPO, claude: { budgetUsd: -1 } },
      "tasks/3.json": task("3", { blockedBy: ["2"], metadata: { claude: { budgetUsd: 0 } } }),
    }),
  ).toBe(
    "tasks/3.json metadata.claude.budgetUsd: must be more than 0, and is 0\nvoyage.json claude.budgetUsd: must be more than 0, and is -1",
  );
});

test("a cycle is shown, and with it all else that is wrong, in order", async () => {
  expect(
    await findingsWith({
      "voyage.json": { name: "n", repo: REPO, recommended_ships: 0 },
      "spec.md": undefined,
      "tasks/1.json": task("1", { blocks: ["2"], blockedBy: ["3"] }),
      "tasks/3.json": task("3", { blockedBy: ["2"], blocks: ["1"] }),
      "tasks/10.json": task("10", { blockedBy: ["77"] }),
    }),
  ).toBe(
    [
      "spec.md: is missing",
      "tasks/1.json blockedBy: a cycle, no task of which can start: 1 → 2 → 3 → 1",
      'tasks/10.json blockedBy[0]: there is no task "77"',
      "voyage.json recommended_ships: must be at least 1, and is 0",
    ].join("\n"),
  );
});

test("a file that is wrong in one place hides nothing of the rest: its edges, its commands, the repository", async () => {
  expect(
    await findingsWith({
      "voyage.json": { name: 7, repo: "none", provision: [3, "if"] },
      "tasks/1.json": task("1", { blocks: ["2"], blockedBy: ["3"], metadata: { chekc: "true", check: "if" } }),
      "tasks/2.json": task("2", { blocks: ["3"], blockedBy: [1, "77"] }),
      "tasks/3.json": task("3", { id: 3, blocks: ["1"], blockedBy: ["2"], subject: "" }),
    }),
  ).toBe(
    [
      "tasks/1.json blockedBy: a cycle, no task of which can start: 1 → 2 → 3 → 1",
      "tasks/1.json metadata.check: bash cannot read it: line 2: syntax error: unexpected end of file",
      "tasks/1.json metadata.chekc: unknown; did you mean check?",
      "tasks/2.json blockedBy[0]: must be text in quotes, and is 1",
      'tasks/2.json blockedBy[1]: there is no task "77"',
      "tasks/3.json id: must be text in quotes, and is 3",
      "tasks/3.json subject: must not be empty",
      "voyage.json name: must be text in quotes, and is 7",
      `voyage.json provision[0]: must be a shell command, or {"run", "timeoutSeconds"}, and is 3`,
      "voyage.json provision[1].run: bash cannot read it: line 2: syntax error: unexpected end of file",
      "voyage.json repo: must be a URL, owner/name on GitHub, or a path that begins with ./, ../, / or ~",
    ].join("\n"),
  );
});

test("no folder, a folder where a file should be, and a file where a folder should be", async () => {
  const nowhere = join(folder, "nowhere");
  expect(await loadPlan(nowhere)).toEqual({
    findings: [{ file: ".", field: "", message: `there is no such folder; it would be ${nowhere}` }],
    isMissing: true,
  });
  await mkdir(join(folder, "tasks", "1.json"), { recursive: true });
  await mkdir(join(folder, "spec.md"));
  const loaded = await loadPlan(folder);
  expect("findings" in loaded && formatFindings(loaded.findings)).toBe(
    "spec.md: is not a regular file\ntasks/1.json: is not a regular file\nvoyage.json: is missing",
  );
});

test("more tasks than a plan can have are refused before they are read", async () => {
  await write({ ...sound(), "voyage.json": { name: "n", repo: REPO } });
  await execa("bash", ["-c", "seq -f %.0f.json 4 10001 | xargs touch"], { cwd: join(folder, "tasks") });
  const loaded = await loadPlan(folder);
  expect(loaded).toMatchObject({ findings: [{ file: "tasks", message: "10001 tasks; at most 10000 are taken" }] });
});

test("tasks that are huge together are refused, and so is a huge one", async () => {
  const big = "x".repeat(250 * 1024);
  const many = Object.fromEntries(
    Array.from({ length: 66 }, (_, i) => [`tasks/${i + 1}.json`, task(`${i + 1}`, { description: big })]),
  );
  const found = await findingsWith({
    ...many,
    "voyage.json": { name: "n", repo: REPO },
    "tasks/67.json": task("67", { description: big + big }),
  });
  expect(found).toMatch(
    /^tasks: \d+ bytes together; at most 16777216 are taken\ntasks\/67.json: is \d+ bytes long; at most 262144 are taken$/,
  );
});

test("a plan that is written down and read is the same, and so is its digest", async () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((s) => s.trim() !== "" && !s.includes("\0"));
  const script = text.map((s) => `: '${s.replaceAll(/['\r]/g, "")}'`);
  const free = fc.dictionary(
    fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
    fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value))), // JSON has no -0.
    { maxKeys: 3 },
  );
  const plans = fc.integer({ min: 1, max: 12 }).chain((size) =>
    fc.record({
      name: text,
      spec: text,
      verify: fc.option(script),
      ships: fc.option(fc.integer({ min: 1, max: 1000 })),
      edges: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: size * 2, size: "max" }),
      tasks: fc.array(
        fc.record({
          subject: text,
          description: fc.string(),
          metadata: free.map((x) => ({ x })),
          activeForm: fc.option(fc.string()),
        }),
        { minLength: size, maxLength: size },
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(plans, async ({ name, spec, verify, ships, edges, tasks }) => {
      await rm(folder, { recursive: true, force: true });
      const wanted = tasks.map(({ activeForm, ...rest }, i) => ({
        id: String(i + 1),
        ...rest,
        ...(activeForm === null ? {} : { activeForm }),
        blocks: [...new Set(edges.filter(([a, b]) => a === i && b > i).map(([, b]) => String(b + 1)))],
        blockedBy: [...new Set(edges.filter(([a, b]) => b === i && a < i).map(([a]) => String(a + 1)))],
      }));
      const files = Object.fromEntries(wanted.map((one) => [`tasks/${one.id}.json`, { status: "pending", ...one }]));
      await write({
        "voyage.json": { name, repo: REPO, recommended_ships: ships, total_tasks: wanted.length },
        "spec.md": spec,
        "verify.sh": verify ?? undefined,
        ...files,
      });
      const first = await loadPlan(folder);
      if ("findings" in first) throw new Error(formatFindings(first.findings));
      expect(first.plan).toMatchObject({ name, spec, verify, recommendedShips: ships });
      expect(first.plan.tasks).toEqual(wanted);
      const { digest, ...rest } = first.plan;
      expect(digest).toBe(digestOf(JSON.parse(JSON.stringify(rest))));
    }),
    { numRuns: 60 },
  );
});

test("a digest is of what is said, not of the order in which it is said", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
      const turned = Object.fromEntries(Object.entries(record).reverse());
      expect(digestOf(turned)).toBe(digestOf(record));
      expect(digestOf({ ...record, another: 1 })).not.toBe(digestOf({ ...record, another: 2 }));
    }),
  );
});

test.each([
  ['{"a": }', "line 1, column 7: Unexpected token '}'"],
  ['{"a": 1', "line 1, column 8: Expected ',' or '}' after property value"],
  ["{\n  'a': 1\n}", "line 2, column 3: Expected property name or '}'"],
  ["[\n1,\n]", "line 3, column 1: Unexpected token ']'"],
  ['"abc', "line 1, column 5: Unterminated string"],
  ["", "line 1, column 1: Unexpected end of JSON input"],
  ['{"a": 1} x', "line 1, column 10: Unexpected non-whitespace character after JSON"],
  [`{"long": "${"y".repeat(500)}",\n "b": nul}`, "line 2, column 10: Unexpected token '}'"],
])("where JSON is broken: %s", (text, problem) => expect(parseJson(text)).toEqual({ problem }));

test.each([
  ["# Make it so #\ntext", "Make it so"],
  ["intro\n\n## Second level\n", "Second level"],
  ["**Objective:** ship it\n", "ship it"],
  ["\n just words\n", "just words"],
  [`# ${"x".repeat(300)}`, `${"x".repeat(199)}…`],
])("the purpose of a spec: %s", (spec, purpose) => expect(purposeOf(spec)).toBe(purpose));
