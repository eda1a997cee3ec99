import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderStatus } from "../../cli/status/render.ts";
import { explain } from "../../lib/base/errors.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import { type HelmClient, helmClient } from "../../lib/daemons/helm-client.ts";
import { parseSessions } from "../../lib/mutagen/session.ts";
import { readVoyageIdentity, writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { collectStatus } from "../../lib/watch/collect.ts";
import { sortSessions, syncAttention, syncOf } from "../../lib/watch/sync-view.ts";
import { gitIn } from "../support/git.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship } from "../support/helm-voyage.ts";
import { ocaptain } from "../support/ocaptain.ts";
import { ocaptainHere } from "../support/ocaptain-here.ts";
import { PLANTED, UNSEEN } from "../support/unseen.ts";

/**
 * The id of a voyage whose plan, repository and ship put control sequences for a terminal into every field that they
 * can write.
 */
const ID = "abc123";
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
const folder = () => voyageFolder("quay");
beforeAll(async () => {
  captain = await makeCaptain();
  helm = await ensureHelm();
  const plan = makePlan({ "1": [], "2": [], "3": [], "4": [], "5": [] }, { metadata: { "2": { tries: 1 } } });
  const planted = {
    ...plan,
    name: PLANTED,
    verify: `echo ${PLANTED}`,
    tasks: plan.tasks.map((task) => ({ ...task, subject: `${task.subject} ${PLANTED}` })),
  };
  // No ship sends heartbeats here, and each stays as it is until the last test.
  const timing = { leaseSeconds: 600, heartbeatSeconds: 60, fenceSeconds: 400, lingerSeconds: 8 };
  const { register } = await makeVoyage(makeSource(captain.root), "quay", planted, { timing, hand: "claude" });
  await writeVoyageIdentity({
    voyageId: ID,
    stack: "quay",
    captainId: "0".repeat(12),
    nonce: "n",
    createdAt: new Date().toISOString(),
  });
  await helm.registerVoyage(ID, register);
  const [liar, other] = [await come("ship-0"), await come("ship-1")];

  // Task 1 is held, with a note; 2 has failed; 3 asks; 4 is accepted. There is a usage limit besides, a hand that is
  // not fit, and a call that no crew makes.
  const first = await other.grant();
  await other.raw("heartbeat", { claim: { task: first.task.id, epoch: first.epoch }, note: PLANTED });
  const second = await liar.grant();
  await liar.release(second, true, `${PLANTED}\n  hint: ${PLANTED}`);
  const third = await liar.grant();
  await liar.raw("ask", { task: third.task.id, epoch: third.epoch, question: `${PLANTED}\n${PLANTED}?` });
  const fourth = await liar.grant();
  const tree = makeTree(captain.root, captain.url, ID, "ship-0", liar.token);
  tree.reset(fourth.tip);
  writeFileSync(join(tree.folder, "done"), PLANTED);
  tree.git("add", "-A");
  const author = `${PLANTED} <${PLANTED}@${PLANTED}>`.replaceAll("\r", "");
  gitIn(
    tree.folder,
    "commit",
    "-q",
    `--author=${author}`,
    "-m",
    `${PLANTED}\n\n${PLANTED}\n---\nShip: ship-9\nTask: 99\nship: ship-8\n\nVoyage: ffffff\nTask: 98`,
  );
  const commit = tree.git("rev-parse", "HEAD");
  tree.push(commit, fourth);
  await liar.accepted(fourth, commit, { summary: PLANTED });
  await liar.raw("limited", { until: new Date(Date.now() + 3600_000).toISOString(), message: PLANTED });
  await liar.raw("trial", { fit: false, message: PLANTED });
  await liar.raw("heartbeat", { claim: null, note: { [PLANTED]: PLANTED } });

  const logs = join(folder().logs, "ship-0", "life");
  mkdirSync(logs, { recursive: true });
  const name = PLANTED.replaceAll("/", "");
  writeFileSync(join(logs, `${name}.log`), `${PLANTED}\n`);
  const lines = [{ event: PLANTED }, { task: PLANTED }, { at: PLANTED }, { text: { [PLANTED]: PLANTED } }, { epoch: -1 }, {}].map(
    (lie) => JSON.stringify({ at: "2026-11-23T10:00:00.000Z", event: "claimed", text: PLANTED, task: "1", epoch: 1, ...lie }),
  );
  writeFileSync(join(logs, "supervisor.jsonl"), `${lines.join("\n")}\n`);
  writeFileSync(join(logs, "supervisor.err"), PLANTED);
});
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

async function come(name: string) {
  const { token } = await helm.registerShip(ID, name, "vm");
  const call = ship(captain.url, token, "vm");
  await call.hello();
  await call.raw("trial", { fit: true, message: "" });
  return { ...call, token };
}

const VERBS: [args: string[], status: number][] = [
  [["status"], 0],
  [["tasks"], 0],
  [["logs"], 0],
  [["logs", "-s", "ship-7"], 1],
  [["doctor"], 1],
  [["answer", "ship-0", "-", "--voyage", "quay"], 2],
  [["answer", "#1", "no"], 1],
  [["retry", "1"], 1],
  [["release", "2"], 1],
  [["clone", "-d", "."], 1],
  // The verbs from here on change something, and so come last.
  [["answer", "#3", "yes"], 0],
  [["retry", "2"], 0],
  [["release", "1"], 0],
  [["retry", "limit"], 0],
];

describe("nothing that a ship, an agent or a plan wrote steers the captain's terminal", () => {
  test.each(VERBS.slice(0, 10))("ocaptain %j, for people and as JSON", async (args, exitCode) => {
    for (const more of [[], ["--json"]]) {
      // What is read from stdin is read by a process of its own.
      const result = await (args.includes("-") ? ocaptain : ocaptainHere)(...args, ...more);
      expect(result.stdout + result.stderr).not.toMatch(UNSEEN);
      expect(result.stdout + result.stderr).not.toBe("");
      expect(result.exitCode).toBe(exitCode);
      if (more.length > 0) for (const line of result.stdout.split(/\n(?=\{)/).filter(Boolean)) JSON.parse(line);
    }
  });

  test("in JSON it is whole, for programs", async () => {
    const { tasks } = JSON.parse((await ocaptainHere("tasks", "--json")).stdout);
    expect(tasks[1].reason).toBe(`${PLANTED}\n  hint: ${PLANTED}`);
    const logged = (await ocaptainHere("logs", "--json")).stdout.split("\n").map((line) => JSON.parse(line));
    expect(logged.map(({ source }) => source)).toContain(PLANTED);
  });

  test("what a status needs the captain for is said by each ship's name, and no line of a ship's passes for a hint", async () => {
    const { stdout } = await ocaptainHere("status");
    expect(stdout).toMatch(/ship-0 sends what no crew sends, and was refused \(heartbeat: note\)/);
    expect(stdout).toMatch(/ship-0 is given no task: pl/);
    expect(stdout.match(/^ {4}hint: /gm)?.length).toBe(stdout.match(/✗/g)?.length);
  });

  test("what a sync tells of a ship's files", async () => {
    const end = { path: "/x", host: "h", connected: true };
    const problem = { path: PLANTED, error: PLANTED };
    const raw = {
      identifier: "sync_1",
      name: "n",
      labels: { ship: "ship-0", kind: "workspace" },
      status: "watching",
      alpha: { ...end, scanProblems: [problem] },
      beta: { ...end, transitionProblems: [problem] },
      conflicts: [{ root: PLANTED }],
      lastError: PLANTED,
    };
    const syncs = sortSessions(parseSessions(JSON.stringify([raw])));
    const view = await collectStatus({ file: (await readVoyageIdentity("quay"))!, folder: folder() });
    const ships = view.ships.map((row) => ({ ...row, sync: syncOf(syncs, row.ship, row.state) }));
    const attention = syncAttention(syncs, "ship-0", folder().mirror("ship-0"), "quay");
    expect(attention).toHaveLength(2);
    const style = (_format: unknown, text: string) => text;
    expect(renderStatus({ ...view, ships, attention }, { style, columns: 200 }).replaceAll("\n", "")).not.toMatch(UNSEEN);
  });

  test.each(VERBS.slice(10))("ocaptain %j, which changes something", async (args, exitCode) => {
    const result = await ocaptainHere(...args);
    expect(result.stdout + result.stderr).not.toMatch(UNSEEN);
    expect(result.stdout).not.toBe("");
    expect(result.exitCode).toBe(exitCode);
  });

  test("nor does it get into the branch's history: author, message, and the trailers that say who did it", () => {
    const shown = gitIn(captain.root, "--git-dir", folder().repo, "log", "-1", "--format=%an%n%ae%n%B", "quay");
    expect(shown).not.toMatch(UNSEEN);
    expect(shown).toContain("plan");
    const trailers = gitIn(captain.root, "--git-dir", folder().repo, "log", "-1", "--format=%(trailers:only,unfold)", "quay");
    expect(trailers.trim().split("\n").sort()).toEqual(["Ship: ship-0", "Task: 4", `Voyage: ${ID}`]);
  });

  test("nor an error's words, whoever wrote them", async () => {
    const missing = await helmClient()
      .task(ID, PLANTED)
      .catch((error: unknown) => explain(error));
    expect(missing).not.toMatch(UNSEEN);
  });
});
