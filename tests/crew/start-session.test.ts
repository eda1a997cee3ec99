import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { orderProvision } from "../../dynamic-providers/tmux-launch/provision.ts";
import { CREW_FOLDER, launchCrew } from "../../lib/ship/crew-launch.ts";

let folder: string;
let env: NodeJS.ProcessEnv;
const provision = orderProvision([{ run: "true", timeoutSeconds: 5 }]).run;
const run = ([file = "", ...args]: readonly string[]) => execa(file, args, { env, extendEnv: false });
const sessions = async () => (await run(["tmux", "list-sessions", "-F", "#{session_name}"])).stdout.split("\n").sort();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "oc-s-"));
  const home = join(folder, "home");
  mkdirSync(join(home, CREW_FOLDER, "provision"), { recursive: true });
  const stays = "setInterval(() => {}, 1000);";
  for (const program of ["provision/main.js", "supervisor.js"]) writeFileSync(join(home, CREW_FOLDER, program), stays);
  env = { PATH: `${folder}:${process.env.PATH}`, HOME: home, TMUX_TMPDIR: folder };
});
afterEach(async () => {
  await run(["tmux", "kill-server"]).catch(() => {});
  rmSync(folder, { recursive: true, force: true });
});

/** Puts a tmux first in the PATH whose server, the first time that a session is begun, is just ending. */
function endingServer(): string {
  const said = join(folder, "said");
  const real = `PATH="\${PATH#*:}" exec tmux "$@"`;
  const first = `[ "$1" = new-session ] && [ ! -e ${said} ] && { touch ${said}; echo server exited unexpectedly >&2; exit 1; }`;
  writeFileSync(join(folder, "tmux"), `#!/bin/sh\n${first}\n${real}\n`);
  chmodSync(join(folder, "tmux"), 0o755);
  return said;
}

test.each([
  ["crew", launchCrew],
  ["provision", provision],
] as const)(
  "%s: a tmux server that is just ending with its last session does not keep the next from beginning",
  async (name, start) => {
    const said = endingServer();
    await run(start);
    expect(existsSync(said)).toBe(true);
    expect(await sessions()).toEqual([name]);
  },
);

test("a crew that is launched twice is one; provision steps that are ordered again end those that run", async () => {
  const pids = async () =>
    (await run(["tmux", "list-panes", "-a", "-F", "#{session_name} #{pane_pid}"])).stdout.split("\n").sort();
  await run(launchCrew);
  await run(provision);
  const [crew, steps] = await pids();
  await run(launchCrew);
  await run(provision);
  const [sameCrew, otherSteps] = await pids();
  expect(sameCrew).toBe(crew);
  expect(otherSteps).toMatch(/^provision \d+$/);
  expect(otherSteps).not.toBe(steps);
});
