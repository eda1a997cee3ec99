import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, readdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { childrenOf } from "../../harbor/vm/signals.ts";
import { harborHome } from "../../lib/base/paths.ts";
import { ensureHarbor, harborKindProblem, harborOfKind, knownHarbor, stopHarbor } from "../../lib/daemons/harbor.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { AS_NOBODY, anyUsersNode, NOBODY } from "../support/any-users-node.ts";
import { stateOf } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { caller, openHarbor, processesMarked, processesOf, temporaryFolder } from "./fixture.ts";

/**
 * A script that leaves what a plan may leave: a tmux, sessions of their own, a process whose parent ended, one whose
 * environment was cleared, and one that ignores signals.
 */
const LEAVINGS = `tmux new-session -d 'sleep 1000'
setsid nohup sleep 1000 >/dev/null 2>&1 &
(setsid sh -c 'sleep 1000 & sleep 1000 & exit' >/dev/null 2>&1 &)
sh -c 'trap "" TERM HUP INT; env -i sleep 1000; :' >/dev/null 2>&1 &
mkdir -p ~/cache; echo x >~/cache/file; chmod 500 ~/cache; mkfifo $TMPDIR/pipe`;
/** How many of its processes carry the mark; one more does not. */
const MARKED = 6;

describe("a ship", () => {
  for (const state of ["running", "warm", "cold"] as const) {
    test(`${state}: nothing of it survives its delete, neither process nor file, and another ship goes on`, async () => {
      const opened = await openHarbor({ unconfined: true });
      const { create, sh, call, home, sleep, harbor } = opened;
      await create("doomed");
      await create("other");
      const theirs = (await sh("other", "sleep 1000 >/dev/null 2>&1 & echo $!")).out.trim();
      await sh("doomed", LEAVINGS);
      const living = processesOf(opened, "doomed");
      const cleared = await until("all that was started", () => {
        const marked = living();
        const others = marked.flatMap(childrenOf).filter((pid) => !marked.includes(pid));
        return marked.length === MARKED && others.length === 1 ? others : undefined;
      });
      if (state !== "running") await sleep("doomed", state);
      if (state === "cold") expect(living()).toEqual([]);
      expect((await call("DELETE", "/v1/sprites/doomed")).status).toBe(204);
      expect(living()).toEqual([]);
      expect(
        cleared
          .filter((pid) => existsSync(`/proc/${pid}`))
          .map(stateOf)
          .filter((state) => state !== "Z"),
      ).toEqual([]);
      expect(readdirSync(join(home, "s"))).toEqual([harbor.ships.get("other")!.folder.split("/").at(-1)]);
      expect(readdirSync(join(home, "awake"))).toEqual(["other"]);
      expect((await sh("other", `kill -0 ${theirs}`)).code).toBe(0);
    });
  }

  test("has node, git, tmux and sprite-env, folders of its own, and nothing of the harbor's environment", async () => {
    vi.stubEnv("SOME_SECRET", "s3cret");
    onTestFinished(() => void vi.unstubAllEnvs());
    const { create, sh, harbor } = await openHarbor({ unconfined: true });
    await create("a");
    const { folder } = harbor.ships.get("a")!;
    expect((await sh("a", "node -p 1; git --version >&2; tmux -V >&2; sprite-env curl /v1/tasks")).out).toBe('1\n{"tasks":[]}');
    expect((await sh("a", 'echo ~; echo "$TMPDIR"; dirname "$(mktemp)"')).out).toBe(
      `${folder}/home\n${folder}/tmp\n${folder}/tmp\n`,
    );
    expect((await sh("a", "env")).out).not.toContain("s3cret");
    await sh("a", "tmux new-session -d 'sleep 1000'");
    expect((await sh("a", "tmux ls -F '#{socket_path}'")).out).toMatch(new RegExp(`^${folder}/tmux-`));
  });

  test("stays what it was made as: a harbor of the other kind keeps a confined one confined, and an unconfined one so", async () => {
    const home = temporaryFolder();
    const first = await openHarbor({ home });
    await first.create("confined");
    await first.harbor.close();
    const second = await openHarbor({ home, unconfined: true });
    await second.create("plain");
    expect((await second.sh("confined", "echo ~")).out).toBe("/home/sprite\n");
    await second.harbor.close();
    const third = await openHarbor({ home });
    expect((await third.sh("plain", "echo ~")).out).toBe(`${third.harbor.ships.get("plain")!.folder}/home\n`);
  });
});

describe("a harbor", () => {
  function ownMachine(): void {
    vi.stubEnv("OCAPTAIN_HOME", temporaryFolder());
    onTestFinished(async () => {
      await stopHarbor();
      vi.unstubAllEnvs();
    });
  }

  /** Hides bubblewrap, and leaves all other programs. */
  function hideBwrap(): void {
    const folder = temporaryFolder();
    for (const name of ["sh", "env", "git", "tmux", "setsid", "sleep", "readlink", "unshare", "nsenter", "setpriv"])
      symlinkSync(
        process.env
          .PATH!.split(":")
          .map((at) => join(at, name))
          .find((file) => existsSync(file))!,
        join(folder, name),
      );
    vi.stubEnv("PATH", `${dirname(process.execPath)}:${folder}`);
  }

  test("that is killed leaves processes, and the next one ends them, of whatever kind it is", async () => {
    ownMachine();
    const first = await ensureHarbor({ unconfined: true });
    const api = caller(first.url, first.token);
    await api.create("a");
    await api.sh("a", LEAVINGS);
    const folder = join(harborHome(), "s", readdirSync(join(harborHome(), "s"))[0]!);
    await until("all that was started", () => processesMarked(folder).length === MARKED);
    await api.sleep("a", "warm");
    process.kill(first.pid, "SIGKILL");
    await expect.poll(() => processesMarked(folder)).toHaveLength(MARKED);
    const second = await ensureHarbor();
    expect(second).toMatchObject({ unconfined: false });
    expect(processesMarked(folder)).toEqual([]);
    expect(await caller(second.url, second.token).status("a")).toBe("cold");
    await caller(second.url, second.token).call("DELETE", "/v1/sprites/a");
    expect(existsSync(folder)).toBe(false);
  });

  test("of the other kind is exchanged while it has no ship, and refused, with what helps, when it has", async () => {
    ownMachine();
    const wants = (unconfined: boolean) => openSprites({ kind: "harbor", unconfined });
    await ensureHarbor();
    expect(await harborKindProblem(true)).toBeUndefined();
    await Promise.all([1, 2, 3].map(async (n) => (await wants(true)).create(`plain-${n}`, [])));
    expect(knownHarbor()).toMatchObject({ unconfined: true });
    await expect((await wants(false)).create("b", [])).rejects.toMatchObject({
      code: "HARBOR_KIND",
      message: expect.stringContaining("does not confine its ships"),
      hint: expect.stringContaining("ocaptain:unconfined true"),
    });
    expect(await harborKindProblem(false)).toMatchObject({ code: "HARBOR_KIND" });
    const sprites = await wants(false);
    // A ship that is there is reached whatever the setting says.
    for (const n of [1, 2, 3]) await sprites.remove(`plain-${n}`);
    await sprites.create("b", []);
    await expect(harborOfKind(true)).rejects.toMatchObject({
      code: "HARBOR_KIND",
      hint: expect.stringContaining("unconfined false"),
    });
    expect(await sprites.list("")).toEqual(["b"]);
    await sprites.remove("b");
  });

  test("without bubblewrap: an error that names the setting; with it, or with ships of that kind, it runs and says what it is not", async () => {
    ownMachine();
    hideBwrap();
    await expect(ensureHarbor()).rejects.toMatchObject({ message: expect.stringContaining("ocaptain:unconfined true") });
    const main = fileURLToPath(new URL("../../harbor/main.ts", import.meta.url));
    const child = spawn(process.execPath, [main, "--unconfined"], { stdio: ["ignore", "pipe", "inherit"] });
    expect(String((await once(child.stdout, "data"))[0])).toMatch(/UNCONFINED: ships are not confined: .* all your files/);
    const sprites = await openSprites({ kind: "harbor", unconfined: true });
    await sprites.create("a", []);
    expect((await sprites.exec("a", ["sh", "-c", "echo $HOME"])).stdout).toContain(harborHome());
    child.kill("SIGTERM");
    await once(child, "exit");
    expect(await ensureHarbor()).toMatchObject({ unconfined: true });
    await sprites.remove("a");
  });
});

test("a user without any privilege can have it, frozen, thawed and gone", { skip: process.getuid!() !== 0 }, async () => {
  const home = temporaryFolder();
  chownSync(home, NOBODY, NOBODY);
  vi.stubEnv("OCAPTAIN_HOME", home);
  onTestFinished(() => void vi.unstubAllEnvs());
  const main = fileURLToPath(new URL("../../harbor/main.ts", import.meta.url));
  const env = { PATH: process.env.PATH, HOME: home, OCAPTAIN_HOME: home };
  const child = spawn("setpriv", [...AS_NOBODY, anyUsersNode(home), main, "--unconfined"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const { url, token } = knownHarbor()!;
  const api = caller(url, token);
  await api.create("a");
  await api.sh("a", LEAVINGS);
  const folder = join(harborHome(), "s", readdirSync(join(harborHome(), "s"))[0]!);
  expect((await api.sleep("a", "warm")).status).toBe(204);
  expect(processesMarked(folder).map(stateOf)).not.toContain("S");
  expect((await api.sh("a", "id -u; tmux ls")).out).toMatch(/^65534\n0: 1 windows/);
  expect((await api.call("DELETE", "/v1/sprites/a")).status).toBe(204);
  expect(processesMarked(folder)).toEqual([]);
  expect(existsSync(folder)).toBe(false);
  child.kill("SIGTERM");
  await once(child, "exit");
});
