import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/** Ways to wait for nothing but time: a promise that a timer resolves, and a thread that stands still. */
const SLEEPS = /new Promise\b.*\bsetTimeout\(|\bsetTimeout\((resolve|next|done)\b|"node:timers\/promises"|\bAtomics\.wait\(/;
/** The files that may sleep, with the reason. What tiers share to wait with is in tests/support. */
const MAY: Record<string, string> = {
  "tests/support/until.ts": "it is the wait between two looks",
  "tests/support/claude/stand-in-api.ts": "the model that it stands for takes its time",
  "tests/crew/stand-in-helm.ts": "it answers late on purpose, and its until looks again",
  "tests/harbor/life.test.ts": "processes that were not frozen would use time meanwhile, and no event tells of frozen ones",
  "tests/helm/git-late.test.ts": "the process stands still, as one does that a signal has stopped",
  "tests/helm/life.test.ts": "the helm is killed at moments of chance, and ships ask again after a while",
  "tests/storm/engine/pass-time.ts": "troubles come at moments of chance, and that time passes is a step of a history",
  "tests/storm/model/recorded/host.ts": "each call takes a moment, so that calls at the same time are seen to be",
  "tests/tools/language-host.test.ts": "its program never ends by itself",
};

test("no test waits for a time that has passed: it waits for what it needs, by until, expect.poll or an event", () => {
  const files = execFileSync("git", ["ls-files", "tests/*.ts"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
  const sleeping = files.flatMap((file) =>
    readFileSync(join(ROOT, file), "utf8")
      .split("\n")
      .flatMap((line, index) => (SLEEPS.test(line) ? [{ file, at: `${file}:${index + 1}  ${line.trim()}` }] : [])),
  );
  expect(sleeping.filter(({ file }) => !(file in MAY)).map(({ at }) => at)).toEqual([]);
  const used = new Set(sleeping.map(({ file }) => file));
  expect(
    Object.keys(MAY).filter((file) => !used.has(file)),
    "exceptions that nothing needs",
  ).toEqual([]);
});
