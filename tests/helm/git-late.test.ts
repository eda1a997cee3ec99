import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../helm/clock.ts";
import { openIntents } from "../../helm/ledger/intents.ts";
import { Ledger } from "../../helm/ledger/ledger.ts";
import { Store } from "../../helm/ledger/store.ts";
import type { Branch } from "../../helm/repository/branch.ts";
import { Voyage } from "../../helm/voyage/voyage.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { git } from "../../lib/git/run.ts";
import { gitIn } from "../support/git.ts";
import { makePlan } from "../support/helm-voyage.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ocl-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a git command at the captain", () => {
  test("that ended while this process was stopped has ended, and its result is told", async () => {
    gitIn(folder, "init", "-q", "-b", "main");
    gitIn(folder, "commit", "-q", "--allow-empty", "-m", "start");
    const running = git(["update-ref", "refs/heads/moved", "HEAD"], { cwd: folder, timeoutMs: 300 });
    const failing = git(["update-ref", "refs/heads/not", "f".repeat(40)], { cwd: folder, timeoutMs: 300 });
    // As after SIGSTOP and SIGCONT: for longer than the command may take no event is seen, and then the timer's before
    // that of its end.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    const [moved, failed] = await Promise.allSettled([running, failing]);
    expect(moved).toMatchObject({ status: "fulfilled", value: { exitCode: 0 } });
    expect(failed).toMatchObject({ status: "rejected", reason: { code: "GIT" } });
    expect(gitIn(folder, "rev-parse", "moved")).toBe(gitIn(folder, "rev-parse", "HEAD"));
  });

  test("that takes too long is ended, and that is told", async () => {
    const asked = git(["sleep"], { config: [["alias.sleep", "!sleep 60"]], timeoutMs: 300 });
    await expect(asked).rejects.toMatchObject({ code: "GIT_TIMEOUT" });
  });
});

/** A branch on which every merge is clean, and whose first move ends in a timeout, whether it has moved or not. */
function lateBranch(moves: boolean) {
  const commits = ["0".repeat(40)];
  let late = true;
  const branch: Branch = {
    name: "v",
    tip: async () => commits.at(-1)!,
    merge: async () => ({
      kind: "clean",
      tip: commits.at(-1)!,
      commit: `${Math.random()}`.slice(2).padEnd(40, "0").slice(0, 40),
    }),
    move: async (_from, to) => {
      if (!late || moves) commits.push(to);
      if (late) {
        late = false;
        throw new OcaptainError("GIT_TIMEOUT", "git update-ref took longer than 60 s");
      }
      return true;
    },
    touched: async () => [],
    holds: async (commit) => commits.includes(commit),
    rescue: async () => null,
    showTip: async () => {},
  };
  return { branch, commits };
}

describe.each([true, false])("an accept of which git did not tell the end (the branch had moved: %s)", (moves) => {
  async function cutShort() {
    const { branch, commits } = lateBranch(moves);
    const ledger = new Ledger(new Store(join(folder, "l.sqlite"), { sync: "off" }), () => systemClock.wallMs());
    const shown: string[] = [];
    const show = async (...tasks: string[]) => void shown.push(...tasks);
    const voyage = new Voyage({ id: "abc123", ledger, branch, clock: systemClock, log: () => {}, show });
    await voyage.open();
    await voyage.register({ stack: "v", plan: makePlan({ "1": [], "2": ["1"] }), hand: "rehearsal" });
    const caller = ledger.lifeOfToken(await voyage.crews.register("ship-0", "vm-0"))!;
    let requests = 0;
    const ask = () => ({ requestId: `request-${++requests}`, incarnation: "vm-0" });
    const grant = await voyage.calls.answer("claim", caller, ask());
    if (grant.kind !== "grant") throw new Error(grant.kind);
    const held = { task: "1", epoch: grant.grant.epoch };
    const body = { ...held, commit: "a".repeat(40), summary: "done", check: null, seconds: 1 };
    const first = { ...ask(), ...body };
    await expect(voyage.calls.answer("accept", caller, first)).rejects.toMatchObject({ code: "GIT_TIMEOUT" });
    shown.length = 0;
    return { voyage, caller, commits, first, ask, held, body, shown, status: () => ledger.task("1")!.status };
  }

  test("is accepted once, asked again by the same request or another", async () => {
    for (const again of ["same", "another"]) {
      rmSync(join(folder, "l.sqlite"), { force: true });
      const { voyage, caller, commits, first, ask, body, status } = await cutShort();
      const reply = await voyage.calls.answer("accept", caller, again === "same" ? first : { ...ask(), ...body });
      expect(reply).toEqual({ kind: "accepted", tip: commits.at(-1) });
      expect(commits).toHaveLength(2);
      expect(status()).toBe("accepted");
      voyage.ledger.close();
    }
  });

  test("and whose ship is fenced is in the ledger as it is on the branch", async () => {
    const { voyage, commits, shown, status } = await cutShort();
    await voyage.crews.fence("ship-0", "vm-0", "gone");
    expect(status()).toBe(moves ? "accepted" : "pending");
    expect(commits).toHaveLength(moves ? 2 : 1);
    expect(shown).toContain("1");
    expect(openIntents(voyage.ledger)).toEqual([]);
    voyage.ledger.close();
  });

  test("and that its ship gives back instead is not done twice", async () => {
    const { voyage, caller, ask, held, status } = await cutShort();
    const released = voyage.calls.answer("release", caller, { ...ask(), ...held, reason: "no answer", failed: true });
    if (moves) await expect(released).rejects.toMatchObject({ refusal: { error: "not-holder" } });
    else await expect(released).resolves.toMatchObject({ status: "pending" });
    expect(status()).toBe(moves ? "accepted" : "pending");
    voyage.ledger.close();
  });
});
