import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadPlan, purposeOf } from "../../lib/plan/load.ts";
import { Plan } from "../../lib/plan/types.ts";
import { formatFindings } from "../support/findings.ts";
import { findingsWith, folder, REPO, sound, task, write } from "./plan-home.ts";

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

test.each([
  ["# Make it so #\ntext", "Make it so"],
  ["intro\n\n## Second level\n", "Second level"],
  ["**Objective:** ship it\n", "ship it"],
  ["\n just words\n", "just words"],
  [`# ${"x".repeat(300)}`, `${"x".repeat(199)}…`],
])("the purpose of a spec: %s", (spec, purpose) => expect(purposeOf(spec)).toBe(purpose));
