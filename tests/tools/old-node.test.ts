import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { OLD_NODE } from "../support/old-node.ts";

test("an older Node on the PATH is told in one line, with the way out, before any TypeScript is read", async () => {
  const root = join(import.meta.dirname, "../..");
  const run = await execa(process.execPath, [OLD_NODE, join(root, "start.mjs")], { reject: false, cwd: root });
  expect(run.exitCode).not.toBe(0);
  expect(run.stderr).toMatch(/this needs Node 24 or later, and the first on this shell's PATH is/);
  expect(run.stderr).toContain("npm run setup");
  expect(run.stderr).not.toMatch(/^ +at |ERR_/m);
});
