import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spriteName } from "../../lib/base/naming.ts";
import { harborInfoFile, mutagenHome } from "../../lib/base/paths.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { holderOf, isRunning } from "../support/processes.ts";
import { type Captain, openCaptain } from "./captain.ts";

/** Tasks that wait until their ship has a file `go`, so that every test finds the fleet in the middle of its work. */
const gated = ["1", "2", "3", "4"].map((id) => ({
  id,
  run: `until [ -e "$HOME/go" ]; do sleep 0.2; done; mkdir -p out; echo ${id} > out/${id}`,
}));

let captain: Captain;
let id: string;
const sprite = (ship: string) => spriteName(captain.stack, id, ship);
const bothAtWork = (s: VoyageStatus) => s.ships.length === 2 && s.ships.every((ship) => ship.connected && ship.task !== null);
const shipRow = (s: VoyageStatus, ship: string) => s.ships.find((row) => row.ship === ship);

beforeAll(async () => {
  // The helm by itself starts a crew again that was silent for a quarter of this time, and here up is to do so.
  captain = await openCaptain({ tasks: gated, config: { leaseSeconds: 360 } });
  const inSource = (...args: string[]) =>
    execa("git", ["-c", "user.name=C", "-c", "user.email=c@x", ...args], { cwd: captain.repo });
  await inSource("tag", "begin");
  await inSource("commit", "-q", "--allow-empty", "-m", "Not to sail yet");
  await captain.configure({ base: "begin", author: "Ann Ahoy <ann@sea.example>", signOff: true });
  await captain.up();
  // From here on neither the plan nor the repository that it came from is there.
  for (const origin of [captain.plan, captain.repo]) await rename(origin, `${origin}-moved`);
  id = await captain.voyageId();
  await captain.until("at work on both ships", bothAtWork);
});
afterAll(() => captain.close());

test("a VM deleted behind our back is made anew by up, with all that hangs on it, and its task is free again", async () => {
  const before = await captain.until("at work", bothAtWork);
  const lost = shipRow(before, "ship-0");
  await (await captain.sprites()).remove(sprite("ship-0"));
  const preview = await captain.preview();
  expect(String(preview.stdout)).toMatch(/ship-0 .*create/);
  expect(String(preview.stdout)).toMatch(
    new RegExp(
      `voyage ${id} goes on by what \\S+ holds, without:\\s+plan ${captain.plan}: there is no such folder[^]*repository "${captain.repo}" cannot be read`,
    ),
  );
  await captain.up();
  const after = await captain.until(
    "at work again",
    (s) => bothAtWork(s) && shipRow(s, "ship-0")?.incarnation !== lost?.incarnation,
  );
  const task = after.tasks.find((row) => row.id === lost?.task);
  expect(task?.epoch).toBeGreaterThan(lost?.epoch ?? 0);
});

test("a crew killed on a ship, tmux and supervisor at once, and a sync of another terminated: up launches the one again, on the same VM, with the claim it had, and makes the other again", async () => {
  const before = shipRow(await captain.until("at work", bothAtWork), "ship-1");
  // After SIGKILL the crew can hand nothing back.
  const kill = 'kill -KILL $(tmux list-panes -s -t =crew -F "#{pane_pid}"); tmux kill-server';
  await (await captain.sprites()).exec(sprite("ship-1"), ["sh", "-c", kill]);
  await captain.until("away", (s) => shipRow(s, "ship-1")?.connected === false);
  const mutagen = voyageMutagen({ voyageId: id, provider: "harbor" });
  const [session] = (await mutagen.list()).filter((one) => one.labels.ship === "ship-0" && one.labels.kind === "logs");
  await mutagen.terminate(session?.name ?? "");
  expect(String((await captain.preview()).stdout)).toMatch(/ship-0-logs .*update/);
  expect(String((await captain.up()).stdout)).toMatch(/ship-1-crew .*updated/);
  const after = shipRow(await captain.until("at work again", bothAtWork), "ship-1");
  expect(after).toMatchObject({ incarnation: before?.incarnation, task: before?.task, epoch: before?.epoch });
  expect((await mutagen.list()).map((one) => one.name)).toContain(session?.name);
});

// tests/stack/unconfined.test.ts kills a harbor by itself.
test.each([
  ["helm", ["helm"]],
  ["harbor and the Mutagen daemon", ["harbor", "Mutagen daemon"]],
] as const)("the %s killed with SIGKILL: up mends, the claims are kept", async (_, daemons) => {
  const before = await captain.until("at work", bothAtWork);
  for (const what of daemons) await killDaemon(what);
  await captain.up();
  const after = await captain.until("at work again", bothAtWork);
  expect(after.tasks.map((task) => [task.id, task.ship, task.epoch])).toEqual(
    before.tasks.map((task) => [task.id, task.ship, task.epoch]),
  );
  // Mutagen itself reconnects a lost session, every 15 s.
  const connected = async () => (await voyageMutagen({ voyageId: id, provider: "harbor" }).list()).filter((one) => one.connected);
  await expect.poll(connected, { timeout: 40_000, interval: 500 }).toHaveLength(6);
});

test("after all of it up changes nothing, each task is done once, and the result verified", async () => {
  await captain.up(["--expect-no-changes"]);
  const sprites = await captain.sprites();
  for (const ship of ["ship-0", "ship-1"]) await sprites.exec(sprite(ship), ["sh", "-c", 'touch "$HOME/go"']);
  await captain.until("verified", (s) => s.state === "verified");
  const format = "%s|%an|%(trailers:key=Signed-off-by,valueonly,separator=)";
  const log = await execa("git", ["--git-dir", captain.voyage.repo, "log", `--format=${format}`, captain.stack]);
  const signed = ["1", "2", "3", "4"].map((task) => `Task ${task}|Ann Ahoy|Ann Ahoy <ann@sea.example>`);
  expect(log.stdout.split("\n").sort()).toEqual(["Start|Captain|", ...signed]);
});

test("destroy needs neither the plan nor the repository that they came from, also where it runs the program: all is home, and nothing is left", async () => {
  const sunk = await captain.destroy(["--run-program"]);
  expect(String(sunk.stdout)).toMatch(/goes on by what \S+ holds, without:/);
  expect(await captain.processes()).toEqual([]);
  const { stdout } = await execa("git", ["--git-dir", captain.voyage.repo, "ls-tree", "--name-only", captain.stack, "out/"]);
  expect(stdout.split("\n")).toEqual(["out/1", "out/2", "out/3", "out/4"]);
});

async function killDaemon(what: "harbor" | "helm" | "Mutagen daemon"): Promise<void> {
  const pid = {
    harbor: async () => JSON.parse(await readFile(harborInfoFile(), "utf8")).pid as number,
    helm: async () => (await captain.helm().health()).pid,
    "Mutagen daemon": async () => holderOf(join(mutagenHome(id), "daemon", "daemon.lock")),
  }[what];
  const victim = await pid();
  process.kill(victim, "SIGKILL");
  await expect.poll(() => isRunning(victim)).toBe(false);
}
