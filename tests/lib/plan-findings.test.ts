import { rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadPlan } from "../../lib/plan/load.ts";
import { parseJson } from "../../lib/plan/read.ts";
import { formatFindings } from "../support/findings.ts";
import { type Files, findingsWith, folder, REPO, sound, task, write } from "./plan-home.ts";

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
        provision: ["npm ci", 7, " ", { timeoutSeconds: 0 }, { run: "a\0b", timeoutSeconds: 3601 }],
      },
    },
    [
      'voyage.json provision[1]: must be a shell command, or {"run", "timeoutSeconds"}, and is 7',
      "voyage.json provision[2].run: must not be empty",
      "voyage.json provision[3].run: is missing",
      "voyage.json provision[3].timeoutSeconds: must be more than 0, and is 0",
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
