import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseAuthor, personalAuthor } from "../../lib/git/author.ts";
import { authorOf } from "../../lib/voyage/author.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "au-"));
  vi.stubEnv("HOME", root);
  vi.stubEnv("XDG_CONFIG_HOME", undefined);
  vi.stubEnv("GIT_CONFIG_GLOBAL", undefined);
  vi.stubEnv("GIT_CONFIG_SYSTEM", "/dev/null");
  for (const name of ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"]) vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

const ann = { name: "Ann Ahoy", email: "ann@sea.example" };
const personal = (author: { name?: string; email?: string }) =>
  writeFile(
    join(root, ".gitconfig"),
    ["[user]", ...Object.entries(author).map(([key, value]) => `${key} = ${value}`), ""].join("\n"),
  );
async function checkout(name: string, author?: { name: string; email: string }) {
  const folder = join(root, name);
  await execa("git", ["init", "-q", folder]);
  for (const [key, value] of Object.entries(author ?? {})) await execa("git", ["-C", folder, "config", `user.${key}`, value]);
  return folder;
}

test("an author is a name and a mail address, of any script", () => {
  expect(parseAuthor("Ann Ahoy <ann@sea.example>")).toEqual(ann);
  expect(parseAuthor("  Ünal Öz, jr.  <ü+x@sea.example> ")).toEqual({ name: "Ünal Öz, jr.", email: "ü+x@sea.example" });
  expect(parseAuthor("-rf $(id) `x` <a@b>")).toEqual({ name: "-rf $(id) `x`", email: "a@b" });
});

test.each([
  "Ann",
  "ann@sea.example",
  "Ann ann@sea.example",
  "<ann@sea.example>",
  "Ann <ann>",
  "Ann <>",
  "Ann <a b@sea.example>",
  "Ann <Bee> <ann@sea.example>",
  "Ann <ann@sea.example> and more",
  "Ann <<ann@sea.example>>",
  "... <ann@sea.example>",
  "Ann <@>",
  "Ann\nTask: 7 <ann@sea.example>",
  "Ann\tAhoy <ann@sea.example>",
  "Ann\u202e <ann@sea.example>",
  "Ann\u001b[31m <ann@sea.example>",
  `${"A".repeat(201)} <ann@sea.example>`,
  `Ann <${"a".repeat(200)}@sea.example>`,
])("%j is none, which is said in words", (text) => {
  expect(parseAuthor(text)).toEqual({ problem: expect.stringMatching(/^must /) });
});

test("the captain is who git says they are where they would commit: by the repository, by the home folder, by the shell", async () => {
  const plain = await checkout("plain");
  expect(await personalAuthor(plain)).toBeNull();
  await personal({ name: ann.name });
  expect(await personalAuthor(plain)).toBeNull();
  await personal(ann);
  expect(await personalAuthor(plain)).toEqual(ann);
  expect(await personalAuthor(join(root, "nowhere"))).toEqual(ann);
  const bee = { name: "Bee", email: "bee@work.example" };
  expect(await personalAuthor(await checkout("work", bee))).toEqual(bee);
  vi.stubEnv("GIT_AUTHOR_NAME", "Cay");
  vi.stubEnv("GIT_AUTHOR_EMAIL", "cay@shell.example");
  expect(await personalAuthor(plain)).toEqual({ name: "Cay", email: "cay@shell.example" });
});

test("the setting goes before what git says; a repository that is gone has the author of before", async () => {
  await personal(ann);
  const repo = await checkout("work", { name: "Bee", email: "bee@work.example" });
  const ledger = join(root, "helm", "ledger.sqlite");
  expect(await authorOf("Dee <dee@set.example>", repo, ledger)).toEqual({ name: "Dee", email: "dee@set.example" });
  expect(await authorOf(undefined, repo, ledger)).toEqual({ name: "Bee", email: "bee@work.example" });
  await expect(authorOf("Dee", repo, ledger)).rejects.toThrow("ocaptain:author must be a name and a mail address");
  await rm(repo, { recursive: true });
  expect(await authorOf(undefined, repo, ledger)).toEqual(ann);
  await mkdir(join(root, "helm"));
  const database = new DatabaseSync(ledger);
  database.exec("CREATE TABLE tasks (id TEXT); CREATE TABLE meta (key TEXT, value TEXT)");
  database.prepare("INSERT INTO meta VALUES ('author', ?)").run(JSON.stringify({ name: "Bee", email: "bee@work.example" }));
  database.close();
  expect(await authorOf(undefined, repo, ledger)).toEqual({ name: "Bee", email: "bee@work.example" });
  expect(await authorOf(undefined, "https://host.invalid/repo.git", ledger)).toEqual(ann);
});
