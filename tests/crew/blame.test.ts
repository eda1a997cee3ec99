import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { gitIn, nobodysEnv } from "../support/git.ts";
import { makePlan, makeSource } from "../support/helm-voyage.ts";
import { BIN, ongoing } from "../support/ocaptain.ts";
import { folder, helm, ID, STACK, sail, seen, ships } from "./real-fleet.ts";

/** A ship stays while others work, and waits for its turn however busy the machine is. */
const PATIENT = { leaseSeconds: 120, fenceSeconds: 90, heartbeatSeconds: 8, lingerSeconds: 100 };
const TASKS = 40;
const CULPRIT = 23;

/**
 * Writes a branch of 40 tasks, one commit each, as the helm writes them: what is looked at is the search, and not how
 * tasks are done. One of them brings a file that breaks verify.sh.
 */
async function writeBranch(repo: string): Promise<void> {
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const commits = Array.from({ length: TASKS }, (_, index) => {
    const task = index + 1;
    const message = `Step ${task}\n\nTask: ${task}\nShip: ship-${task % 3}\nVoyage: ${ID}\n`;
    const from = index === 0 ? `from refs/heads/${STACK}^0\n` : "";
    const broken = task === CULPRIT ? `M 100644 inline broken.txt\n${data("it sinks\n")}` : "";
    const file = `M 100644 inline ${task}.txt\n${data("done\n")}${broken}`;
    return `commit refs/heads/${STACK}\ncommitter s <s@s> ${1e9 + task} +0000\n${data(message)}${from}${file}\n`;
  });
  await execa("git", ["--git-dir", repo, "fast-import", "--quiet"], {
    input: commits.join(""),
    env: nobodysEnv,
    extendEnv: false,
  });
}

const blame = async (...words: string[]) => {
  const options = { reject: false, stdin: "ignore", timeout: 300_000 } as const;
  const { stdout, stderr, exitCode } = await execa(BIN, ["blame", ...words], options);
  return { exitCode, stderr, stdout, said: words.includes("--json") ? JSON.parse(stdout || "null") : null };
};

/** The same, with a crew on each ship from the first run on that waits for one; nothing can wake a ship here. */
async function blameWithShips(...words: string[]) {
  const asked = blame(...words);
  await seen("a run that waits", async () => (await helm.probes(ID)).open.length > 0);
  for (const ship of ships) ship.start();
  return asked;
}

test("three real ships find which of 40 tasks breaks verify.sh by 6 runs at most; a flaky verify.sh names nobody", async () => {
  const steady = "ls *.txt | wc -l\ncat broken.txt 2>/dev/null && exit 3\nexit 0";
  const at = await sail({ ...makePlan({}), verify: steady }, makeSource(folder), 3, PATIENT);
  const file = { voyageId: ID, stack: STACK, captainId: "c", nonce: "n", createdAt: "2026-11-28T00:00:00Z" };
  writeFileSync(at.voyageFile, JSON.stringify(file));
  await writeBranch(at.repo);
  expect(await helm.voyage(ID)).toMatchObject({ state: "verifying", tip: gitIn(at.repo, "rev-parse", STACK) });

  // Whoever has verified goes to rest. Nothing can wake it here, so that the first run waits until one is started.
  expect(await ships[0]!.ended(ships[0]!.start())).toBe(0);
  expect(await helm.voyage(ID)).toMatchObject({ state: "failed", verified: { exitCode: 3 } });
  const impatient = ongoing("blame");
  await seen("a run that waits", async () => (await helm.probes(ID)).open.some(({ status }) => status === "waiting"));
  expect(await impatient.interrupt()).toBe(130);
  expect(await helm.probes(ID)).toMatchObject({ open: [], known: [{ of: "verification" }] });

  const first = await blameWithShips("--json");
  expect(first).toMatchObject({ exitCode: 0, said: { verdict: "culprit", culprit: { task: String(CULPRIT), exitCode: 3 } } });
  const { runs, again, culprit, answers, ships: used } = first.said;
  expect(runs).toBeLessThanOrEqual(6);
  expect(again).toBe(2);
  expect(used).toEqual(["ship-0", "ship-1", "ship-2"]);
  expect(answers).toHaveLength(1 + runs + again);
  expect(culprit).toMatchObject({ ship: `ship-${CULPRIT % 3}`, output: `${CULPRIT + 1}\nit sinks\n` });
  expect(culprit.files.map(({ path }: { path: string }) => path)).toEqual([`${CULPRIT}.txt`, "broken.txt"]);
  expect(first.stderr).toMatch(/ship-\d runs verify\.sh after task 19 \([0-9a-f]{8}\)/);
  // What is culprit and what comes before it was run by other ships the second time.
  const twice = answers.filter((answer: { commit: string }) => answer.commit === culprit.commit);
  expect(new Set(twice.map((answer: { ship: string }) => answer.ship)).size).toBe(2);
  expect(await helm.voyage(ID)).toMatchObject({ state: "failed", verified: { exitCode: 3 } });

  // All is known by now.
  const second = await blame("--yes");
  expect(second.exitCode).toBe(0);
  expect(second.stdout).toMatch(/^task 23, "Step 23", by ship-2, breaks verify\.sh: it fails at .* and passes after task 22/);
  expect(second.stdout).toContain("found by 0 runs of verify.sh; both were run more than once, with the same answers");
  expect(second.stdout).toContain("\n+it sinks\n");
  expect(second.stdout).toContain("\n  | it sinks");
  expect(second.stdout).toMatch(
    /\ntask 900001 is added: "Mend what task 23 broke: verify\.sh fails since .*; a ship takes it by itself$/,
  );
  expect(first.said.followUp).toBeNull();
  expect(first.stderr).toContain(`ocaptain blame ${STACK} --yes`);

  ships[0]!.start();
  await seen("the follow-up", async () => (await helm.task(ID, "900001")).status === "accepted");

  // The first run at each commit passes, and the second one fails; but at the tip all do.
  const seenOnce = join(folder, "seen");
  mkdirSync(seenOnce);
  writeFileSync(join(seenOnce, gitIn(at.repo, "rev-parse", STACK)), "");
  const flaky = `at=${seenOnce}/$(git rev-parse HEAD)\ntest ! -e "$at" || exit 1\n: > "$at"`;
  const provider = { kind: "harbor" as const, baseUrl: "http://127.0.0.1:9", token: "none" };
  await helm.registerVoyage(ID, {
    ...{ stack: STACK, folder: at.root, hand: "rehearsal", provider },
    ...{ plan: { ...makePlan({}), verify: flaky }, timing: PATIENT },
  });
  ships[0]!.start();
  await seen("the verification", async () => (await helm.voyage(ID)).state === "failed");
  expect(await blameWithShips("--good", "39")).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/^verify\.sh is flaky: at one and the same commit, .* \(task 40, "Step 40"\), it passed on /),
  });
}, 600_000);
