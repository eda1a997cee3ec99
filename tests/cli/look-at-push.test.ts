import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { historyOf } from "../../cli/landing/history.ts";
import { captainSecrets } from "../../cli/landing/look/captain-secrets.ts";
import type { Finding } from "../../cli/landing/look/finding.ts";
import { guardOf } from "../../cli/landing/look/guard.ts";
import { findingsText, type LookAsk, lookAtPush } from "../../cli/landing/look/look.ts";
import { plantedIn } from "../../cli/landing/look/planted.ts";
import { withoutSecrets } from "../../cli/landing/look/redact.ts";
import { scan } from "../../cli/landing/look/scan.ts";
import type { OcaptainError } from "../../lib/base/errors.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { gitIn } from "../support/git.ts";
import { runs } from "../support/runs.ts";

/** The look at what is pushed: whatever a ship has committed, no secret leaves, and none is shown by the refusal. */
const STACK = "voyage-quay";
// They are put together here, so that no scanner takes this file for what it is about.
const CLAUDE = `sk-ant-${"oat01"}-Q7xN2bVfKpR9sLmTzWc4HdJg8YuEaXo1iBqZ5rMvPtS3nDyFkGhLwCjUe6`;
const GITHUB = `ghp_${"a1B2c3D4e5F6g7H8i9J0".repeat(2).slice(0, 36)}`;
const PRIVATE = `-----BEGIN RSA ${"PRIVATE"} KEY-----\n${"MIIEpAIBAAKCAQEA7f3b".repeat(20)}\n-----END RSA ${"PRIVATE"} KEY-----\n`;
const SECRETS = [{ name: "CLAUDE_CODE_OAUTH_TOKEN", value: CLAUDE }];
let root: string;
let tree: string;
let voyage: KnownVoyage;
let base: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "oc-look-"));
  tree = join(root, "tree");
  const folder = { ...voyageFolder(STACK), repo: join(tree, ".git") };
  voyage = { file: { voyageId: "abc123", stack: STACK, captainId: "c", nonce: "n", createdAt: "2026-11-28T00:00:00Z" }, folder };
  gitIn(root, "init", "-q", "-b", STACK, "tree");
  base = commit("Start", { "README.md": "hello\n" });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function commit(message: string, files: Record<string, string | Buffer | null>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    if (text === null) rmSync(join(tree, name));
    else writeFileSync(join(tree, name), text);
  }
  gitIn(tree, "add", "-A");
  gitIn(tree, "commit", "-q", "--allow-empty", "-m", message);
  return gitIn(tree, "rev-parse", "HEAD");
}
const task = (id: number, files: Record<string, string | Buffer | null>, more = "") =>
  commit(`Task ${id}${more}\n\nTask: ${id}\nShip: ship-${id % 3}\nVoyage: abc123`, files);

async function look(more: Partial<LookAsk> = {}): Promise<Finding[]> {
  const history = await historyOf(voyage);
  const found = await lookAtPush({ gitDir: voyage.folder.repo, from: base, to: history.tip, history, secrets: SECRETS, ...more });
  const said = `${JSON.stringify(found)}\n${findingsText(found)}`;
  for (const secret of [CLAUDE, GITHUB, "MIIEpAIBAAKCAQEA"]) {
    expect(said).not.toContain(secret.slice(0, 24));
    expect(said).not.toContain(secret.slice(-16));
  }
  return found;
}
const places = (found: readonly Finding[]) => found.map(({ rule, file, line, task }) => [rule, file, line, task]);

test("nothing is found where nothing is, and what the other side has already is not looked at", async () => {
  base = commit("Old sins", { "old.env": `GH=${GITHUB}\n` });
  task(1, {
    "src/a.ts": "export const a = 1;\n",
    "bytes.bin": Buffer.from([0, 1, 2, 255]),
    "moved.env": `GH=${GITHUB}\n`,
    "old.env": null,
  });
  expect(await look()).toEqual([]);
});

test("a secret is found in whatever commit brought it, also when a later one takes it away, and is told by task and line", async () => {
  task(1, { "src/ok.ts": "1\n" });
  task(2, { "src/config.ts": `// settings\nconst token = "${CLAUDE}";\n` });
  task(3, { "src/config.ts": "// settings\n", "key.pem": PRIVATE, ".env": `\n\nGH_TOKEN=${GITHUB}\n` });
  const found = await look();
  expect(places(found).sort()).toEqual(
    [
      ["captain", "src/config.ts", 2, "2"],
      ["github", ".env", 3, "3"],
      ["privatekey", "key.pem", 1, "3"],
    ].sort(),
  );
  expect(findingsText(found)).toMatch(/src\/config\.ts:2: your CLAUDE_CODE_OAUTH_TOKEN \(task #2 by ship-2; [0-9a-f]{16}\)/);
});

test("parts of a secret, and its base64, are found; a comment of the scanner's does not hide it; nor do bytes or length", async () => {
  task(1, { "begin.txt": `x ${CLAUDE.slice(0, 20)} x`, "end.txt": `x${CLAUDE.slice(-20)}` });
  task(2, { "auth.txt": `Basic ${Buffer.from(`x-token:${CLAUDE}`).toString("base64")}` });
  task(3, { "hidden.js": `// secretlint-disable\n/* secretlint-disable */ const k = "${GITHUB}"\n` });
  task(4, { "image.bin": Buffer.concat([Buffer.from([0, 159, 1]), Buffer.from(CLAUDE), Buffer.from([0])]) });
  task(5, { "long.txt": `${"a line of text\n".repeat(40_000)}${CLAUDE}\n` });
  task(6, { "wide.txt": Buffer.from(`\ufeff${CLAUDE}`, "utf16le") });
  task(7, {}, `\n\nI used ${CLAUDE}`);
  const found = (await look()).filter(({ rule }) => rule === "captain" || rule === "github");
  expect(places(found).sort()).toEqual(
    [
      ["captain", "begin.txt", 1, "1"],
      ["captain", "end.txt", 1, "1"],
      ["captain", "auth.txt", 1, "2"],
      ["github", "hidden.js", 2, "3"],
      ["captain", "image.bin", 1, "4"],
      ["captain", "long.txt", 40_001, "5"],
      ["captain", "wide.txt", 1, "6"],
      ["captain", null, 3, "7"],
    ].sort(),
  );
});

test("a false alarm is let through by its fingerprint, for this file alone", async () => {
  task(1, { "docs/example.txt": `token: ${GITHUB}\n` });
  const [first] = await look();
  task(2, { "docs/example.txt": `The\ntoken: ${GITHUB}\n`, "src/real.ts": `"${GITHUB}"` });
  const rest = await look({ allowed: [first!.fingerprint] });
  expect(places(rest)).toEqual([["github", "src/real.ts", 1, "2"]]);
  expect(first!.fingerprint).not.toContain(GITHUB.slice(4, 12));
});

test("of all made one commit the tasks are told all the same", async () => {
  task(1, { "src/a.ts": "1\n" });
  const tip = task(2, { "src/b.ts": `"${GITHUB}"` });
  const squashed = gitIn(tree, "commit-tree", `${tip}^{tree}`, "-p", base, "-m", "All of it");
  expect(places(await look({ to: squashed }))).toEqual([["github", "src/b.ts", 1, "2"]]);
});

test("what a merge of the base brings is the base's; what it resolves is looked at", async () => {
  const moved = (() => {
    gitIn(tree, "checkout", "-q", "-b", "main");
    const at = commit("On the base", { "base.env": `GH=${GITHUB}\n`, "both.txt": "base\n" });
    gitIn(tree, "checkout", "-q", STACK);
    return at;
  })();
  task(1, { "src/a.ts": "1\n" });
  gitIn(tree, "merge", "-q", "--no-commit", "main");
  commit("Merge main", { "both.txt": `resolved ${CLAUDE}\n` });
  const found = (await look({ from: moved })).filter(({ rule }) => rule === "captain");
  expect(places(found)).toEqual([["captain", "both.txt", 1, null]]);
});

test("a file that is too big, a pointer of LFS and a repository inside are refused by name and task", async () => {
  const blob = execFileSync("git", ["-C", tree, "hash-object", "-w", "--stdin"], {
    input: Buffer.alloc(1024 * 1024 + 1),
    encoding: "utf8",
  }).trim();
  gitIn(tree, "update-index", "--add", "--cacheinfo", `100644,${blob},huge.bin`);
  gitIn(tree, "update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},vendor/inner`);
  gitIn(tree, "commit", "-q", "-m", "Task 1\n\nTask: 1\nShip: ship-1\nVoyage: abc123");
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"ab".repeat(32)}\nsize 12345\n`;
  gitIn(
    tree,
    "update-index",
    "--add",
    "--cacheinfo",
    `100644,${execFileSync("git", ["-C", tree, "hash-object", "-w", "--stdin"], { input: pointer, encoding: "utf8" }).trim()},film.mp4`,
  );
  gitIn(tree, "commit", "-q", "-m", "Task 2\n\nTask: 2\nShip: ship-2\nVoyage: abc123");
  const found = await look({ mostBytes: 1024 * 1024 });
  expect(found.map(({ rule, file, task, what }) => [rule, file, task, what]).sort()).toEqual([
    ["big", "huge.bin", "1", "a file of 2 MiB, and 1 MiB is the most"],
    ["lfs", "film.mp4", "2", expect.stringMatching(/^a pointer of Git LFS, whose object abababababab /)],
    ["submodule", "vendor/inner", "1", expect.stringContaining(".gitmodules has no address for it")],
  ]);
});

test("what goes to the forge beside the commits is rid of secrets, and is else as it was", async () => {
  const facts = {
    tasks: [
      { id: "1", summary: `used ${CLAUDE} and ${GITHUB}.` },
      { id: "2", summary: null },
    ],
    at: 7,
  };
  expect(await withoutSecrets(facts, SECRETS)).toEqual({
    tasks: [
      { id: "1", summary: "used [a secret was taken out here] and [a secret was taken out here]." },
      { id: "2", summary: null },
    ],
    at: 7,
  });
  expect(await withoutSecrets({ text: `verify.sh printed\n${CLAUDE.slice(-20)}` }, SECRETS)).toEqual({
    text: "verify.sh printed\n[a secret was taken out here]",
  });
});

test("a landing is refused with all findings, and what each is let through by", async () => {
  const tip = task(1, { "src/a.ts": `"${GITHUB}"`, "src/b.ts": `"${GITHUB}"` });
  const notes: string[] = [];
  const guard = (allowed: string[] = []) =>
    guardOf(voyage, allowed, { note: (text) => notes.push(text), signal: new AbortController().signal });
  const pushing = { from: base, heads: [{ head: tip }, { head: tip }], history: await historyOf(voyage) };
  const refused = await guard()
    .look(pushing)
    .catch((error: unknown) => error as OcaptainError);
  expect(refused).toMatchObject({
    code: "NOT_TO_LEAVE",
    hint: expect.stringMatching(/^ocaptain land voyage-quay --allow-secret [0-9a-f]{16} /),
  });
  const prints = [
    ...(refused as OcaptainError).message.matchAll(/src\/[ab]\.ts:1: .*\(task #1 by ship-1; ([0-9a-f]{16})\)/g),
  ].map(([, print]) => print!);
  expect(prints).toHaveLength(2);
  await guard(prints).look(pushing);
  expect(notes[0]).toContain("the stack's own secrets");
});

test("many texts are looked at together, and each place is told as if it were looked at alone", async () => {
  const word = fc.constantFrom("needle", "need", "le", "\n", "x".repeat(3_000), "", "needleneedle");
  const texts = fc.array(
    fc.array(word, { maxLength: 6 }).map((parts) => parts.join("")),
    { maxLength: 60 },
  );
  const looks = (text: string) =>
    [...text.matchAll(/needle/g)].map(({ index }) => ({ rule: "r", what: "w", from: index, to: index + 6 }));
  await fc.assert(
    fc.asyncProperty(texts, async (all) => {
      const found: string[] = [];
      const coming = (async function* () {
        for (const [of, text] of all.entries()) yield { of, text };
      })();
      for await (const { of, line, found: what } of scan(coming, looks)) found.push(`${of} ${line} ${what}`);
      const alone = all.flatMap((text, of) =>
        looks(text).map(({ from }) => `${of} ${text.slice(0, from).split("\n").length} needle`),
      );
      expect(found).toEqual(alone);
    }),
    { numRuns: runs(60, 15) },
  );
});

test("a secret is found in base64 wherever it begins there", () => {
  const looks = plantedIn(SECRETS);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 9 }),
      fc.uint8Array({ maxLength: 9 }),
      fc.constantFrom("base64", "base64url"),
      (before, after, how) => {
        const text = Buffer.concat([before, Buffer.from(CLAUDE), after]).toString(how as "base64");
        expect(looks(text).map(({ what }) => what)).toEqual(["your CLAUDE_CODE_OAUTH_TOKEN, in base64"]);
      },
    ),
    { numRuns: runs(100, 30) },
  );
});

test("the captain's secrets are known by the names of variables, from .env files, and from the files of voyage and ocaptain", async () => {
  const home = join(root, "home");
  mkdirSync(join(home, "harbor"), { recursive: true });
  writeFileSync(
    join(home, "harbor", "info.json"),
    JSON.stringify({ url: "http://127.0.0.1:1", token: "harbor-token-0123456789", pid: 1 }),
  );
  mkdirSync(dirname(voyage.folder.notify), { recursive: true });
  const folder = { ...voyage.folder, notify: join(root, "notify.json"), credentials: join(root, "credentials.json") };
  writeFileSync(
    folder.notify,
    JSON.stringify([{ id: "1", target: { url: "https://hooks.example.com/services/T0/abcdefghij0123456789" } }]),
  );
  writeFileSync(folder.credentials, JSON.stringify({ kind: "sprites", token: "acme/1/2/sprites-secret-0123" }));
  writeFileSync(join(tree, ".env"), "DB_PASSWORD=hunter2-hunter2\nNAME=quay-of-the-harbour\n");
  process.env.OCAPTAIN_HOME = home;
  try {
    const file = { ...voyage.file, repository: { address: tree, roots: [] }, sailedFrom: { project: join(root, "gone") } };
    const { secrets, unknown } = await captainSecrets(
      { file, folder },
      { GH_TOKEN: GITHUB, PATH: "/usr/bin", SSH_KEY: "~/.ssh/id" },
    );
    const values = secrets.map(({ value }) => value);
    for (const value of [
      GITHUB,
      "hunter2-hunter2",
      "harbor-token-0123456789",
      "abcdefghij0123456789",
      "acme/1/2/sprites-secret-0123",
    ])
      expect(values).toContain(value);
    for (const value of [
      "quay-of-the-harbour",
      "/usr/bin",
      "~/.ssh/id",
      "https://hooks.example.com/services/T0/abcdefghij0123456789",
    ])
      expect(values).not.toContain(value);
    expect(unknown).toEqual([expect.stringContaining("the stack's own secrets: ")]);
  } finally {
    delete process.env.OCAPTAIN_HOME;
  }
});
