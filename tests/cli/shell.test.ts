import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { BIN, ocaptain } from "../support/ocaptain.ts";
import { openTerm, type Term } from "../support/term.ts";
import { type Fleet, openFleet } from "./fleet.ts";

/** The one ship's task, which says that it has begun and then waits for a file. */
const tasks = [{ id: "1", run: 'echo "laying the keel"; until [ -e "$HOME/go" ]; do sleep 0.1; done' }];
let fleet: Fleet;
let term: Term;
beforeAll(async () => {
  fleet = await openFleet({ ships: 1, tasks });
  await fleet.until("at work", (s) => s.ships[0]?.task === "1");
});
beforeEach(async () => {
  term = await openTerm();
});
afterEach(() => term.close());
afterAll(() => fleet.close());

const onShip = async (script: string) => (await fleet.onShip("ship-0", script)).stdout.trim();
const clients = () =>
  onShip("tmux list-clients -t =crew -F '#{client_width}x#{client_height} #{client_readonly}' 2>/dev/null; true");
/** Runs `ocaptain shell` in the terminal, which then prints its exit status. */
const shell = (...args: string[]) => term.enter(`${BIN} shell ${args.join(" ")}; echo "status $?"`);

test("the crew's tmux, in this terminal's size, to look at only; the detach key ends it and the terminal is as before", async () => {
  await shell();
  await term.sees(/laying the keel/);
  expect(await clients()).toBe("90x20 1");
  await term.type("x");
  await term.press("C-c");
  expect(await clients()).toBe("90x20 1");
  await term.press("C-b", "d");
  await term.sees(/\[detached \(from session crew\)\]\s+status 0/);
  expect(await term.modes()).toBe("0 1");
  await term.enter("echo typed $((1+1))");
  await term.sees(/typed 2/);
  expect(await clients()).toBe("");
  expect((await fleet.status()).ships[0]).toMatchObject({ state: "working", task: "1" });
});

test("the size follows this terminal's", async () => {
  await shell("quay", "ship-0");
  await term.sees(/laying the keel/);
  await term.resize(70, 15);
  await expect.poll(clients).toBe("70x15 1");
  await term.press("C-b", "d");
  await term.sees(/status 0/);
});

test("--write: keys reach the crew's session", async () => {
  await shell("0", "--write");
  await term.sees(/laying the keel/);
  expect(await clients()).toBe("90x20 0");
  await term.press("C-b", "c");
  await expect.poll(() => onShip("tmux list-windows -t =crew | wc -l")).toBe("2");
  await term.enter("exit");
  await expect.poll(() => onShip("tmux list-windows -t =crew | wc -l")).toBe("1");
  await term.press("C-b", "d");
  await term.sees(/status 0/);
});

test("where the hand has a session of its own, it is shown; --crew shows the crew's all the same", async () => {
  // This session is opened as crew/window opens it. What a real Claude Code shows in it is tested in
  // tests/stack/empty-sail.test.ts.
  await onShip("tmux new-session -d -s claude -x 200 -y 50 'echo the screen of the hand; exec cat'");
  try {
    await shell();
    await term.sees(/the screen of the hand/);
    await term.press("C-b", "d");
    await term.sees(/\[detached \(from session claude\)\]\s+status 0/);
    await shell("--crew");
    await term.sees(/laying the keel/);
    await term.press("C-b", "d");
    await term.sees(/\[detached \(from session crew\)\]\s+status 0/);
  } finally {
    await onShip("tmux kill-session -t =claude");
  }
});

test("--raw: a shell in the ship's workspace, with a terminal; its exit status is passed on", async () => {
  await shell("ship-0", "--raw");
  await term.sees(/\n\S*\$/);
  await term.enter("test -t 0 && stty size; pwd; echo $TERM");
  await term.sees(/\n20 90\s+\/home\/sprite\/voyage\/workspace\s+\S+/);
  // A terminal empties its queues at an interrupt: what was typed before may be thrown away when the shell has not read
  // it yet, and what is typed before the shell is back is.
  await term.enter("echo begun-$((1+1)); sleep 100");
  await term.sees(/begun-2/);
  await term.press("C-c");
  await term.sees(/\^C\s+\S*\$\s*$/);
  await term.enter("exit 37");
  await term.sees(/status 37/);
});

test("a ship asleep is woken", async () => {
  await fleet.sendToSleep("ship-0");
  expect((await fleet.sprites.get(fleet.spriteName("ship-0")))?.status).toBe("warm");
  await shell("--raw");
  await term.sees(/\n\S*\$/);
  await term.enter("echo awake-$((40+2))");
  await term.sees(/awake-42/);
  await term.enter("exit");
  await term.sees(/status 0/);
});

test("cut off: said, with status 1, and the terminal is as before", async () => {
  await fleet.faults({ on: "socket", kind: "drop" });
  await shell();
  await term.sees(/the connection ended[^$]*status 1/);
  expect(await term.modes()).toBe("0 1");
  await term.enter("echo typed $((1+1))");
  await term.sees(/typed 2/);
});

test("a ship whose crew has ended is said, with what to do instead; --json tells how it would be reached", async () => {
  await onShip('touch "$HOME/go"');
  await fleet.until("asleep", (s) => s.ships[0]?.state === "ended");
  await shell();
  await term.sees(/no crew is at work on ship-0[\s\S]*--raw[\s\S]*status 1/);
  const told = JSON.parse((await ocaptain("shell", "--json")).stdout);
  expect(told).toMatchObject({ voyage: "quay", ship: "ship-0", sprite: fleet.spriteName("ship-0") });
});

test("a ship that is not there is named", async () => {
  const result = await ocaptain("shell", "ship-9", "--json");
  expect(result.exitCode).toBe(1);
  expect(JSON.parse(result.stderr)).toMatchObject({ error: "NO_SHIP", message: expect.stringContaining("there are ship-0") });
});
