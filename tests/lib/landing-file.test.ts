import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { voyageFolderAt } from "../../lib/base/paths.ts";
import { type LandingFile, readLanding, writeLanding } from "../../lib/voyage/landing-file.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "oc-landing-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const id = (digit: string) => digit.repeat(40);
const landing: LandingFile = {
  version: 1,
  voyageId: "abc123",
  forge: {
    kind: "gitea",
    api: "https://git.example.com/api/v1",
    owner: "ann",
    repo: "sea",
    web: "https://git.example.com/ann/sea",
  },
  remote: "https://git.example.com/ann/sea.git",
  branch: "ocaptain/voyage-quay",
  base: "main",
  baseCommit: id("a"),
  how: "per-task",
  pushed: [{ commit: id("b"), head: id("b"), branch: "ocaptain/voyage-quay", at: "2026-11-28T00:00:00.000Z" }],
  pulls: [{ number: 7, url: "https://git.example.com/ann/sea/pulls/7", branch: "ocaptain/voyage-quay", base: "main" }],
  fixes: [],
};

test("a landing is read as it was written, and nothing is left beside it; another voyage's is none", async () => {
  const folder = voyageFolderAt(root, "voyage-quay");
  expect(await readLanding(folder, "abc123")).toBeNull();
  await writeLanding(folder, landing);
  expect(await readLanding(folder, "abc123")).toEqual(landing);
  expect(await readLanding(folder, "fed321")).toBeNull();
  expect(readdirSync(root)).toEqual(["landing.json"]);
});

test("of the pushes the newest are kept", async () => {
  const folder = voyageFolderAt(root, "voyage-quay");
  const pushed = Array.from({ length: 1_100 }, (_, nth) => ({ ...landing.pushed[0]!, at: String(nth) }));
  await writeLanding(folder, { ...landing, pushed });
  const read = await readLanding(folder, "abc123");
  expect([read!.pushed.length, read!.pushed.at(-1)!.at]).toEqual([1_000, "1099"]);
});

test.each([
  ["that is cut off", JSON.stringify(landing).slice(0, 100)],
  ["of another version", JSON.stringify({ ...landing, version: 2 })],
  ["with a commit that is none", JSON.stringify({ ...landing, baseCommit: "--upload-pack=x" })],
])("a file %s is refused by name, with what helps", async (_, text) => {
  const folder = voyageFolderAt(root, "voyage-quay");
  writeFileSync(folder.landingFile, text);
  await expect(readLanding(folder, "abc123")).rejects.toMatchObject({
    code: "LANDING_FILE",
    message: expect.stringContaining(folder.landingFile),
    hint: expect.stringContaining(`mv ${folder.landingFile}`),
  });
});
