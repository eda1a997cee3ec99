import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openMutagen } from "../../lib/mutagen/client.ts";
import { mutagenCommand } from "../../lib/mutagen/command.ts";
import { until } from "../support/until.ts";
import { daemonPid, inA, inB, mutagen, pidsOf, root, spec } from "./mutagen-folders.ts";

/** Sessions of Mutagen's real daemon on local folders; how ships are reached is tested with the harbor. */

test("a session is made once; the same spec leaves it alone, another one makes it anew", async () => {
  const first = await mutagen.ensureSession(spec);
  expect(first).toMatchObject({ name: spec.name, connected: true, labels: { ship: "ship-0" } });
  expect((await mutagen.ensureSession(spec)).identifier).toBe(first.identifier);

  const second = await mutagen.ensureSession({ ...spec, ignores: [".git", "*.log"] });
  expect(second.identifier).not.toBe(first.identifier);
  expect(await mutagen.list()).toHaveLength(1);
});

test("a twin of the same name, left by a lost create, is ended", async () => {
  await mutagen.ensureSession(spec);
  await mutagen.ensureSession({ ...spec, name: "other" });
  // Mutagen itself takes the same name twice; here a second client that does not look first makes that happen.
  const command = mutagenCommand({ dataDirectory: join(root, "d") });
  await command(["sync", "create", `--name=${spec.name}`, "--", spec.alpha, spec.beta], 10_000);
  expect((await mutagen.list()).map((session) => session.name).sort()).toEqual(["other", spec.name, spec.name].sort());
  await mutagen.ensureSession(spec);
  expect((await mutagen.list()).map((session) => session.name).sort()).toEqual(["other", spec.name].sort());
});

test("after a session's first cycle what was there before is on both sides, and one that went round is not waited for", async () => {
  await Promise.all(Array.from({ length: 900 }, (_, i) => writeFile(inA(`f${i}`), `file ${i}`)));
  await mutagen.firstCycle(await mutagen.ensureSession(spec));
  expect(await readdir(join(root, "b"))).toHaveLength(900);
  await mutagen.firstCycle(await mutagen.ensureSession(spec), { timeoutMs: 0 });
});

test("a session that does not get through its first cycle is named with its state and a command", async () => {
  await writeFile(inA("one"), "1");
  await writeFile(inA("two"), "2");
  const stuck = await mutagen.ensureSession({ ...spec, maxEntries: 1 });
  await until("its trouble is seen", async () => (await mutagen.get(spec.name))?.lastError !== null);
  await expect(mutagen.firstCycle(stuck, { timeoutMs: 500 })).rejects.toMatchObject({
    code: "SYNC",
    message: expect.stringMatching(/v1-ship-0-workspace-1.* within 0\.5 s: .*entry count/),
    hint: expect.stringContaining("pulumi up"),
  });
  // The next try goes on with the same session.
  const again = await mutagen.ensureSession({ ...spec, maxEntries: 1 });
  expect(again.identifier).toBe(stuck.identifier);
  await rm(inA("one"));
  await rm(inA("two"));
  await mutagen.firstCycle(again);
  await mutagen.terminate(spec.name);
  await expect(mutagen.firstCycle({ ...again, cycles: 0 })).rejects.toThrow(/it is gone/);
});

test("a flush brings over what was there when it was called, however new the session is", async () => {
  await mutagen.ensureSession(spec);
  for (let round = 0; round < 5; round++) {
    await writeFile(inA(`f${round}`), `round ${round}`);
    await mkdir(inB(`new-${round}`));
    await writeFile(inB(`new-${round}/g`), "back");
    expect(await mutagen.flush(spec.name)).toMatchObject({ clean: true, conflicts: [], problems: [] });
    expect(await readFile(inB(`f${round}`), "utf8")).toBe(`round ${round}`);
    expect(await readFile(inA(`new-${round}/g`), "utf8")).toBe("back");
  }
});

test(".git stays at home, as a folder, as a file, and below; nothing else does", async () => {
  await mkdir(inA(".hg"));
  await writeFile(inA(".hg/store"), "another system's");
  await mkdir(inA(".git"));
  await writeFile(inA(".git/HEAD"), "ref");
  await mkdir(inA("sub"));
  await writeFile(inA("sub/.git"), "gitdir: elsewhere");
  await writeFile(inA("sub/.gitignore"), "x");
  await mutagen.ensureSession(spec);
  await mutagen.flush(spec.name);
  expect((await readdir(join(root, "b"), { recursive: true })).sort()).toEqual([".hg", ".hg/store", "sub", "sub/.gitignore"]);
});

test("both sides changed: both keep theirs, and the conflict is named", async () => {
  await writeFile(inA("same"), "alpha's");
  await writeFile(inB("same"), "beta's");
  await mutagen.ensureSession(spec);
  const state = await mutagen.flush(spec.name);
  expect(state).toMatchObject({ clean: false, conflicts: ["same"] });
  expect(state.text).toBe("1 conflicts: same");
  expect(await readFile(inA("same"), "utf8")).toBe("alpha's");
  expect(await readFile(inB("same"), "utf8")).toBe("beta's");
});

test("a file past the limit and a link out of the tree stay, and are named", async () => {
  await writeFile(inB("big"), Buffer.alloc(2 * 1024 * 1024));
  await symlink("/etc/passwd", inB("out"));
  await writeFile(inB("small"), "x");
  await mutagen.ensureSession(spec);
  const state = await mutagen.flush(spec.name);
  expect(state.clean).toBe(false);
  expect(state.problems.join("\n")).toMatch(/beta out: .*absolute/);
  expect(state.problems.join("\n")).toMatch(/big/);
  expect(await readdir(join(root, "a"))).toEqual(["small"]);
});

test("one-way-replica puts right what the other side deletes, garbles or adds", async () => {
  await writeFile(inA("1.json"), "true");
  await writeFile(inA("2.json"), "true");
  await mutagen.ensureSession({ ...spec, mode: "one-way-replica" });
  await mutagen.flush(spec.name);
  await rm(inB("1.json"));
  await writeFile(inB("2.json"), "false");
  await writeFile(inB("3.json"), "forged");
  await mutagen.flush(spec.name);
  expect((await readdir(join(root, "b"))).sort()).toEqual(["1.json", "2.json"]);
  expect(await readFile(inB("2.json"), "utf8")).toBe("true");
});

test("a paused session is told so by flush, and resumed by ensure", async () => {
  await mutagen.ensureSession(spec);
  await mutagenCommand({ dataDirectory: join(root, "d") })(["sync", "pause", "--", spec.name], 10_000);
  await expect(mutagen.flush(spec.name)).rejects.toThrow(/v1-ship-0-workspace-1.*paused/);
  expect(await mutagen.ensureSession(spec)).toMatchObject({ paused: false, connected: true });
  await mutagen.flush(spec.name);
});

test("an emptied side halts the session instead of emptying the other; ensure brings the files back", async () => {
  await writeFile(inA("one"), "1");
  await writeFile(inA("two"), "2");
  await mutagen.ensureSession(spec);
  await mutagen.flush(spec.name);
  // The daemon must see both go at once: when it has seen the one go, it lets the last one go too.
  const pid = await daemonPid();
  process.kill(pid, "SIGSTOP");
  await rm(inB("one"));
  await rm(inB("two"));
  process.kill(pid, "SIGCONT");
  await until("it is halted", async () => (await mutagen.get(spec.name))?.halted === "one side's folder was emptied");
  await expect(mutagen.flush(spec.name)).rejects.toThrow(/halted: one side's folder was emptied/);
  expect((await readdir(join(root, "a"))).sort()).toEqual(["one", "two"]);

  expect(await mutagen.ensureSession(spec)).toMatchObject({ halted: null });
  await mutagen.flush(spec.name);
  expect((await readdir(join(root, "b"))).sort()).toEqual(["one", "two"]);
});

test("a flush that cannot end is cut at its time, and says what it waited for", async () => {
  await mutagen.ensureSession(spec);
  process.kill(await daemonPid(), "SIGSTOP");
  const pid = await daemonPid();
  try {
    await expect(mutagen.flush(spec.name, { timeoutMs: 500 })).rejects.toMatchObject({ code: "MUTAGEN_DAEMON" });
  } finally {
    process.kill(pid, "SIGCONT");
  }
});

test("no such session, or no way to reach the other end: an error that names it", async () => {
  await mutagen.ensureDaemon();
  await expect(mutagen.flush("v1-nobody")).rejects.toThrow(/v1-nobody.*there is no such session/);
  await mkdir(join(root, "ssh"));
  await writeFile(join(root, "ssh", "ssh"), "#!/bin/sh\necho 'ship asleep' >&2\nexit 255\n", { mode: 0o755 });
  await writeFile(join(root, "ssh", "scp"), "#!/bin/sh\necho 'ship asleep' >&2\nexit 255\n", { mode: 0o755 });
  const away = openMutagen({ dataDirectory: join(root, "d"), sshPath: join(root, "ssh") });
  await expect(away.ensureSession({ ...spec, beta: "sprite@ship-0:~/x" })).rejects.toMatchObject({ code: "SYNC" });
  expect(await away.list()).toEqual([]);
});

test("terminate ends it for good, twice is quiet, files stay; without a daemon it starts one to do so", async () => {
  await writeFile(inA("kept"), "x");
  await mutagen.ensureSession(spec);
  await mutagen.flush(spec.name);
  await mutagen.stopDaemon();
  await mutagen.terminate(spec.name);
  await mutagen.terminate(spec.name);
  expect(await mutagen.list()).toEqual([]);
  expect(await readFile(inB("kept"), "utf8")).toBe("x");
});

test("a side that is not there is made, its parents too", async () => {
  await writeFile(inA("log"), "x");
  await mutagen.ensureSession({ ...spec, mode: "one-way-safe", beta: join(root, "logs", "ship-0", "i1") });
  await mutagen.flush(spec.name);
  expect(await readFile(join(root, "logs", "ship-0", "i1", "log"), "utf8")).toBe("x");
});

/**
 * Makes an `ssh` and an `scp` that reach a "ship" which is a folder, unless the file `asleep` is there. The file
 * `carried` gets a line for each copy, and `knocks` one for each try while the ship is asleep.
 */
async function folderShip() {
  const ship = {
    sshPath: join(root, "ssh"),
    home: join(root, "home"),
    asleep: join(root, "asleep"),
    carried: join(root, "carried"),
    knocks: join(root, "knocks"),
  };
  await mkdir(ship.sshPath);
  await mkdir(ship.home);
  const awake = `#!/bin/sh\n[ -e '${ship.asleep}' ] && { echo x >>'${ship.knocks}'; exit 255; }\nexport HOME='${ship.home}'; unset MUTAGEN_DATA_DIRECTORY\n`;
  const ssh = `${awake}while [ "\${1#-}" != "$1" ]; do shift; done\nshift\ncd "$HOME"\nexec sh -c "$*"\n`;
  const scp = `${awake}while [ $# -gt 2 ]; do shift; done\necho x >>'${ship.carried}'; cp -p "$1" "$HOME/\${2#*:}"\n`;
  await writeFile(join(ship.sshPath, "ssh"), ssh, { mode: 0o755 });
  await writeFile(join(ship.sshPath, "scp"), scp, { mode: 0o755 });
  return ship;
}

test("a ship that is away is told so by flush, which tries it again and again, and reaches it when it is back", async () => {
  const { sshPath, home, asleep, knocks } = await folderShip();
  const fleet = openMutagen({ dataDirectory: join(root, "d"), sshPath });
  await fleet.ensureSession({ ...spec, beta: "sprite@ship-0:~/w" });
  await writeFile(inA("before"), "x");
  expect(await fleet.flush(spec.name)).toMatchObject({ clean: true });
  expect(existsSync(join(home, "w", "before"))).toBe(true);

  await writeFile(asleep, "");
  for (const pid of await pidsOf(`HOME=${home}`, "mutagen-agent")) process.kill(pid, "SIGKILL");
  await until("the loss is seen", async () => (await fleet.get(spec.name))?.connected === false);
  await expect(fleet.flush(spec.name, { timeoutMs: 1_000 })).rejects.toThrow(/ship-0:~\/w not connected/);

  await writeFile(inA("after"), "x");
  const tries = async () => (await readFile(knocks, "utf8")).length / 2; // Each try is a line of one "x".
  const before = await tries();
  const flushed = fleet.flush(spec.name);
  // By itself Mutagen would try once in 15 s.
  await until("three more tries", async () => (await tries()) >= before + 3);
  await rm(asleep);
  expect(await flushed).toMatchObject({ connected: true, clean: true });
  expect(existsSync(join(home, "w", "after"))).toBe(true);
});

test("sessions made at once with one ship carry Mutagen's agent there once", async () => {
  const { sshPath, carried } = await folderShip();
  const fleet = openMutagen({ dataDirectory: join(root, "d"), sshPath });
  const names = ["v1-ship-0-a", "v1-ship-0-b", "v1-ship-0-c"];
  const made = await Promise.all(names.map((name) => fleet.ensureSession({ ...spec, name, beta: `sprite@ship-0:~/${name}` })));
  expect(made.map((session) => [session.name, session.connected])).toEqual(names.map((name) => [name, true]));
  expect((await readFile(carried, "utf8")).trim().split("\n")).toHaveLength(1);
});

test("a first session with a ship that failed has carried no agent there: those made at once after it carry it once", async () => {
  const { sshPath, carried, asleep } = await folderShip();
  const fleet = openMutagen({ dataDirectory: join(root, "d"), sshPath });
  const make = (name: string) => fleet.ensureSession({ ...spec, name, beta: `sprite@ship-0:~/${name}` });
  await writeFile(asleep, "");
  await expect(make("v1-ship-0-a")).rejects.toMatchObject({ code: "SYNC" });
  await rm(asleep);
  await Promise.all(["v1-ship-0-a", "v1-ship-0-b", "v1-ship-0-c"].map(make));
  expect((await readFile(carried, "utf8")).trim().split("\n")).toHaveLength(1);
});
