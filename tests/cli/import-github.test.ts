import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { planImport } from "../../cli/verbs/plan-import.ts";
import { listen } from "../support/spoken.ts";
import { type StandInIssue, startStandInGithub } from "../support/stand-in-github.ts";

const NAMES = ["GITHUB_API_URL", "GH_TOKEN", "GITHUB_TOKEN", "GH_HOST", "PATH"] as const;
const before = NAMES.map((name) => [name, process.env[name]] as const);
let root: string;
let service: Awaited<ReturnType<typeof startStandInGithub>>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "oc-github-"));
  for (const name of NAMES) if (name !== "PATH") delete process.env[name];
});
afterEach(async () => {
  for (const [name, value] of before)
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  await service.close();
  rmSync(root, { recursive: true, force: true });
});

async function open(issues: StandInIssue[], pageSize?: number) {
  service = await startStandInGithub({ repo: "quay/crane", issues, ...(pageSize && { pageSize }) });
  process.env.GITHUB_API_URL = service.url;
  process.env.GH_TOKEN = service.state.token;
}
async function imported(more: Record<string, string | boolean> = {}, repo = "quay/crane") {
  const heard = listen(true);
  await planImport(repo, { from: "github", out: join(root, "plan"), ...more }, heard.io);
  const said = heard.json();
  const ids = new Map(said.tasks.map(({ id, source }: { id: string; source: string }) => [id, source]));
  const edges = Object.fromEntries(
    said.tasks.map(({ source, blockedBy }: { source: string; blockedBy: string[] }) => [
      source,
      blockedBy.map((id) => ids.get(id)),
    ]),
  );
  return { said, edges };
}

test("open issues become tasks: of all pages, with links as edges, and sub-issues in the place of their issue", async () => {
  await open(
    [
      { number: 1, title: "Lift", parts: [2, 3, { repo: "quay/dock", number: 9 }], body: "All of it." },
      { number: 2, title: "Gauge in `src/crane/gauge.go`", body: null },
      { number: 3, title: "Bell", blockedBy: [2, 8] },
      { number: 4, title: "A change", isPull: true },
      {
        number: 5,
        title: "Paint",
        blockedBy: [1, { repo: "quay/dock", number: 7 }],
        body: "Use src/crane/paint.go\n\nDepends on: #6 and #2",
      },
      { number: 6, title: "Rope" },
      { number: 8, title: "Ground", state: "closed" },
    ],
    2,
  );
  const { said, edges } = await imported();
  expect(edges).toEqual({ "#2": [], "#3": ["#2"], "#5": ["#2", "#3", "#6"], "#6": [] });
  expect(said.wholes).toEqual([{ source: "#1", title: "Lift", parts: ["#2", "#3"] }]);
  expect(said.notes).toEqual(
    expect.arrayContaining([
      "A pull request is no issue, and left out.",
      "A sub-issue of #1 is in another repository, and left out: Card 9",
      "#5 is blocked by an issue of another repository, and waits for it no longer: Card 7",
      "#5 waits for #6, #2, as its text says.",
    ]),
  );
  const read = (name: string) => JSON.parse(readFileSync(join(root, "plan", name), "utf8"));
  expect(read("voyage.json")).toMatchObject({ name: "quay/crane", repo: "quay/crane" });
  expect(read("tasks/3.json")).toMatchObject({
    subject: "#5: Paint",
    metadata: { source: "github:quay/crane#5", touches: ["src/crane/paint.go"] },
  });
  expect(read("tasks/1.json").description).toContain("Part of #1: Lift\n\nAll of it.");
  expect(readdirSync(join(root, "plan"))).not.toContain("verify.sh");
  expect(service.state.calls.every((call) => call.startsWith("GET "))).toBe(true);
  expect(service.state.calls.filter((call) => call.includes("/issues?"))).toHaveLength(3);
});

test("a label and a milestone choose issues; a chosen issue brings its sub-issues; a milestone is named by its title", async () => {
  await open([
    { number: 1, labels: ["ready"], milestone: 4, parts: [3] },
    { number: 2, labels: ["ready"], milestone: 5 },
    { number: 3 },
    { number: 6, labels: ["ready"], milestone: 4 },
  ]);
  service.state.milestones = [{ number: 4, title: "Version 2" }];
  const { edges, said } = await imported({ label: "ready", milestone: "Version 2" });
  expect(edges).toEqual({ "#3": [], "#6": ["#3"] });
  expect(said.guessed.edges).toMatchObject([{ task: "#6", after: "#3" }]);
  await expect(imported({ milestone: "Version 3" })).rejects.toThrow('no milestone "Version 3"; there are: Version 2');
  await expect(imported({ label: "nothing" })).rejects.toThrow("there is no open issue that was asked for");
});

test("a repository that was renamed is found, and one that may not be seen says how to see it", async () => {
  await open([{ number: 1 }, { number: 2, blockedBy: [1] }]);
  service.state.isPrivate = true;
  process.env.PATH = root;
  delete process.env.GH_TOKEN;
  await expect(imported()).rejects.toMatchObject({
    code: "GITHUB",
    message: expect.stringContaining("without a token"),
    hint: expect.stringContaining("GH_TOKEN"),
  });
  process.env.PATH = `${root}:${before.find(([name]) => name === "PATH")![1]}`;
  writeFileSync(join(root, "gh"), `#!/bin/sh\n[ "$*" = "auth token --hostname 127.0.0.1" ] && echo ${service.state.token}\n`, {
    mode: 0o755,
  });
  expect((await imported({ out: join(root, "by-gh") })).said.tasks).toHaveLength(2);
  process.env.GITHUB_TOKEN = "another";
  await expect(imported()).rejects.toMatchObject({ code: "GITHUB_TOKEN", message: expect.stringContaining("Bad credentials") });
  service.state.isPrivate = false;
  process.env.GITHUB_TOKEN = service.state.token;
  expect((await imported({}, "old/name")).edges).toEqual({ "#1": [], "#2": ["#1"] });
  expect(JSON.parse(readFileSync(join(root, "plan", "voyage.json"), "utf8")).repo).toBe("quay/crane");
  await expect(imported({}, "quay/none")).rejects.toThrow("there is no such repository, or it may not be seen with this token");
});

test("limits and refusals are told apart, what passes soon is waited for, and no message has the token", async () => {
  await open([{ number: 1 }]);
  const faults = service.state.faults;
  const on = "/repos/quay/crane/issues";
  const message = JSON.stringify({ message: "API rate limit exceeded for user" });
  faults.push({ on, status: 403, body: message, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000000" } });
  const limited = await imported().catch((error: Error) => error);
  expect(limited).toMatchObject({ code: "GITHUB_RATE", message: expect.stringContaining("until 2027-01-15T08:00:00.000Z") });
  faults.push({
    on,
    status: 403,
    headers: { "retry-after": "3600" },
    body: '{"message":"You have exceeded a secondary rate limit"}',
  });
  await expect(imported()).rejects.toMatchObject({ code: "GITHUB_RATE" });
  faults.push({ on, status: 403, body: '{"message":"Resource not accessible by personal access token\\u001b[2J"}' });
  const refused = (await imported().catch((error: Error) => error)) as Error;
  expect(refused).toMatchObject({
    code: "GITHUB",
    message: expect.stringContaining("the token may not read the issues of quay/crane"),
  });
  expect(refused.message.includes("\u001b")).toBe(false);
  expect(refused.message).not.toContain("ghp_");
  faults.push({ on, status: 410, body: '{"message":"Issues are disabled for this repo"}' });
  await expect(imported()).rejects.toThrow("has no issues: they are switched off there");
  faults.push({ on, status: 200, body: '[{"number":"1"}]' }, { on, status: 200, body: "<html>" });
  await expect(imported()).rejects.toThrow("the answer is not what GitHub's is");
  await expect(imported()).rejects.toThrow("it is no JSON");
  faults.push({ on, status: 429, headers: { "retry-after": "0" } }, { on, status: 502 });
  expect((await imported()).said.tasks).toHaveLength(1);
});

test("the token goes to no address that is neither encrypted nor on this machine", async () => {
  await open([]);
  process.env.GITHUB_API_URL = "http://github.example";
  await expect(imported()).rejects.toThrow("must be an https:// address");
  await expect(imported({}, "not a repository")).rejects.toThrow("OWNER/NAME is wanted");
});
