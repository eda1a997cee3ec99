import { existsSync, readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRemoteTerminal, type RemoteTerminal } from "../../cli/ship/sprite-terminal.ts";
import { spriteName } from "../../lib/base/naming.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { update } from "../support/claude/model.ts";
import { selfStarter, shipOf } from "../support/claude/self-starter.ts";
import { homeOnHarbor, openClaudeCaptain } from "./claude-captain.ts";

/**
 * The tasks for three sessions of Claude Code with its own screen. Engine, harbor ships and Mutagen are real; the
 * Messages API is a stand-in.
 */
const TASKS = [...["1", "2", "3", "4", "5"].map((id) => ({ id })), { id: "6", after: ["1", "2"] }, { id: "7", after: ["6"] }];
const FILES = TASKS.map(({ id }) => `${id}.json`);

let sea: Awaited<ReturnType<typeof openClaudeCaptain>>;
const terminals: RemoteTerminal[] = [];
const over = new AbortController();
beforeAll(async () => {
  sea = await openClaudeCaptain({
    tasks: TASKS,
    claude: { interactive: true },
    config: { ships: 3, leaseSeconds: 24, lingerSeconds: 20, author: "Ann Ahoy <ann@sea.example>" },
  });
  const model = selfStarter(3);
  // The session on ship-2 first tries a task that waits for others.
  sea.api.script = (talk) =>
    shipOf(talk) === "ship-2" && talk.results.length === 0 ? update("7", { status: "in_progress" }) : model(talk);
}, INSTALL_MS + 60_000);
afterAll(async () => {
  over.abort();
  await sea?.close();
});

const tasksOn = (incarnation: string) => join(homeOnHarbor(incarnation), ".claude", "tasks", `${sea.captain.stack}-tasks`);
const statuses = (folder: string) => {
  try {
    return FILES.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")).status as string);
  } catch {
    return []; // A file is missing, or is just being written.
  }
};
/** What the task files say, except for the tasks' cost, whose last value comes late. */
const picture = (folder: string) =>
  readdirSync(folder)
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => [
      name,
      JSON.parse(readFileSync(join(folder, name), "utf8"), (key, value) => (key === "usage" ? undefined : value)),
    ]);
/** The names of the task files that are deleted until `end`, each as often as it was deleted. */
function deletions(folder: string, end: AbortSignal): string[] {
  const gone: string[] = [];
  watch(folder, { signal: end }, (_event, name) => {
    if (name && FILES.includes(name) && !existsSync(join(folder, name))) gone.push(name);
  });
  return gone;
}
const COMPLETED = FILES.map(() => "completed");

test("the plan is worked off by three sessions that claim by themselves, once each, and verified; idle, they delete the finished tasks' files, which Mutagen puts back; the captain's and the ledger never change", async () => {
  const { captain, api } = sea;
  await captain.up();
  const id = await captain.voyageId();
  const { ships } = await captain.until("at work", (now) => now.ships.every((ship) => ship.connected));
  const gone = new Map<string, string[]>();
  const seen = new AbortController();
  for (const { ship, incarnation } of ships) {
    gone.set(ship, deletions(tasksOn(incarnation!), seen.signal));
    // A person looks on, or else the sessions would end with the last task.
    const look = "until tmux has-session -t =claude 2>/dev/null; do sleep 0.1; done; exec tmux -u attach-session -r -t =claude";
    const sprite = spriteName(captain.stack, id, ship);
    terminals.push(
      await openRemoteTerminal({ kind: "harbor" }, sprite, ["sh", "-c", `TERM=xterm-256color; export TERM; ${look}`], {
        stack: captain.stack,
        size: { cols: 100, rows: 30 },
        onData: () => {},
        signal: over.signal,
      }),
    );
  }

  const done = await captain.until("verified", (now) => now.state === "verified", 120_000);
  const ledger = (now: VoyageStatus) => now.tasks.map((task) => [task.id, task.status, task.epoch, task.tries, task.commit]);
  expect(ledger(done).map((row) => row.slice(0, 4))).toEqual(TASKS.map((task) => [task.id, "accepted", 1, 0]));
  const git = async (...args: string[]) => (await execa("git", ["--git-dir", captain.voyage.repo, ...args])).stdout;
  for (const task of TASKS) expect(await git("show", `${captain.stack}:out/${task.id}`)).toBe(task.id);
  const authors = await git("log", `-${TASKS.length}`, "--format=%an", captain.stack);
  expect(new Set(authors.split("\n"))).toEqual(new Set(["Ann Ahoy"]));
  const refused = api.calls.flatMap((call) => call.results.filter((result) => result.isError).map(({ text }) => text));
  expect(refused.join("\n")).toMatch(/Not yours: task 1 is held by ship-\d/);
  expect(refused.join("\n")).toMatch(/Not yours: task 7 waits for 6/);

  await expect.poll(() => statuses(captain.voyage.tasks)).toEqual(COMPLETED);
  const captains = picture(captain.voyage.tasks);
  const lost = deletions(captain.voyage.tasks, seen.signal);
  for (const { ship, incarnation } of ships) {
    await expect.poll(() => [...new Set(gone.get(ship))].sort(), { timeout: 60_000 }).toEqual(FILES);
    await expect.poll(() => statuses(tasksOn(incarnation!)), { interval: 200 }).toEqual(COMPLETED);
  }
  seen.abort();
  expect(lost).toEqual([]);
  expect(picture(captain.voyage.tasks)).toEqual(captains);
  expect(ledger(await captain.helm().voyage(id))).toEqual(ledger(done));
});

test("what the sessions said and their transcripts are at the captain, while they live and after; up changes nothing; destroy leaves nothing", async () => {
  const { captain } = sea;
  const { ships } = await captain.until("seen", () => true);
  const logs = (pattern: RegExp) =>
    ships.map(({ ship, incarnation }) => {
      const folder = join(captain.voyage.root, "logs", ship, incarnation!);
      const names = readdirSync(folder, { recursive: true }).map(String);
      return names.filter((name) => pattern.test(name)).map((name) => readFileSync(join(folder, name), "utf8"));
    });
  const words = () =>
    logs(/^session-[0-9a-f-]{36}\.log$/).map(([text]) => text?.match(/> TaskUpdate taskId \d, status completed/)?.length);
  await expect.poll(words).toEqual([1, 1, 1]);
  const transcripts = () => logs(/^transcripts\/session-[0-9a-f-]{36}\.jsonl$/).map(([text]) => text?.includes("TaskUpdate"));
  await expect.poll(transcripts, { timeout: 45_000, interval: 500 }).toEqual([true, true, true]);
  await captain.up(["--expect-no-changes"]);
  for (const terminal of terminals) terminal.close();
  await captain.until("resting", (now) => now.ships.every((ship) => ship.state === "ended"));
  await captain.destroy();
  expect(words()).toEqual([1, 1, 1]);
  expect(transcripts()).toEqual([true, true, true]);
  expect(await captain.processes()).toEqual([]);
});
