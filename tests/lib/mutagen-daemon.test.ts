import { existsSync } from "node:fs";
import { mkdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { openMutagen } from "../../lib/mutagen/client.ts";
import { mutagenCommand } from "../../lib/mutagen/command.ts";
import { isRunning } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { daemonPid, inA, inB, mutagen, pidsOf, root, spec } from "./mutagen-folders.ts";

/** How Mutagen's daemon is started, found again and ended. */

test("looking starts no daemon, and neither does ending a session that never was", async () => {
  expect(await mutagen.running()).toBe(false);
  await expect(mutagen.list()).rejects.toMatchObject({ code: "MUTAGEN_DAEMON" });
  await mutagen.terminate("nothing");
  await mutagen.stopDaemon();
  expect(existsSync(join(root, "d"))).toBe(false);
  // The CLI's own start of a daemon is off, which matters for a daemon that dies between two looks.
  expect(await mutagenCommand({ dataDirectory: join(root, "d") })(["sync", "list"], 10_000)).toMatchObject({ ok: false });
  expect(await mutagen.running()).toBe(false);
});

test("the daemon gets an allow-list of the environment, and what it was told", async () => {
  process.env.OCAPTAIN_TEST_SECRET = "s3cret";
  try {
    await mutagen.ensureDaemon();
  } finally {
    delete process.env.OCAPTAIN_TEST_SECRET;
  }
  const environment = await readFile(`/proc/${await daemonPid()}/environ`, "utf8");
  expect(environment).not.toContain("s3cret");
  expect(environment.split("\0")).toContain("OCAPTAIN_TEST=yes");
});

test("the folders of the shell that started the daemon may go: it has a temporary folder of its own, which is made again", async () => {
  const shell = join(root, "shell");
  await mkdir(shell);
  vi.stubEnv("TMPDIR", shell);
  await mutagen.ensureSession(spec);
  vi.unstubAllEnvs();
  await rm(shell, { recursive: true });
  await rm(join(root, "d", "tmp"), { recursive: true }); // It is removed as by somebody who tidies up.
  expect(await readlink(`/proc/${await daemonPid()}/cwd`)).toBe("/");
  expect(await mutagen.daemonLoss()).toContain("temporary folder");
  await writeFile(inB("text"), "ahoy");
  await mutagen.ensureSession(spec);
  expect(await mutagen.flush(spec.name)).toMatchObject({ clean: true });
  expect(await readFile(inA("text"), "utf8")).toBe("ahoy");
  expect(await mutagen.daemonLoss()).toBeNull();
});

test("a daemon whose programs are gone from the PATH that it was started with is started anew", async () => {
  const bin = join(root, "bin");
  await mkdir(bin);
  for (const name of ["mutagen", "ssh"]) {
    const at = (process.env.PATH ?? "").split(":").find((folder) => existsSync(join(folder, name)));
    await symlink(at ? join(at, name) : "/bin/true", join(bin, name));
  }
  vi.stubEnv("PATH", bin);
  await mutagen.ensureDaemon();
  const before = await daemonPid();
  vi.unstubAllEnvs();
  expect(await mutagen.daemonLoss()).toBeNull();
  await rm(bin, { recursive: true });
  expect(await mutagen.daemonLoss()).toBe("ssh is gone from the PATH that it was started with");
  await mutagen.ensureDaemon();
  expect(await daemonPid()).not.toBe(before);
});

test("a daemon that was started for another ssh is replaced, and keeps its sessions", async () => {
  await mutagen.ensureSession(spec);
  const before = await daemonPid();
  await mutagen.ensureDaemon();
  expect(await daemonPid()).toBe(before);
  const other = openMutagen({ dataDirectory: join(root, "d"), sshPath: join(root, "ssh") });
  await other.ensureDaemon();
  expect(await daemonPid()).not.toBe(before);
  expect(await readFile(`/proc/${await daemonPid()}/environ`, "utf8")).toContain(`MUTAGEN_SSH_PATH=${join(root, "ssh")}`);
  expect((await other.list()).map((session) => session.name)).toEqual([spec.name]);
});

test("many at once start one daemon, and a stop right after leaves none", async () => {
  const many = Array.from({ length: 8 }, () => openMutagen({ dataDirectory: join(root, "d"), env: { OCAPTAIN_TEST: "yes" } }));
  await Promise.all(many.map((one) => one.ensureDaemon()));
  const daemons = () => pidsOf(`MUTAGEN_DATA_DIRECTORY=${join(root, "d")}`, "daemon\0run");
  expect(await daemons()).toHaveLength(1);
  await mutagen.stopDaemon();
  await until("all are gone", async () => (await daemons()).length === 0);
  await mutagen.ensureDaemon();
  expect(await daemons()).toHaveLength(1);
});

test("a daemon that does not end when it is asked is killed, and its sessions come back with the next", async () => {
  await mutagen.ensureSession(spec);
  const pid = await daemonPid();
  process.kill(pid, "SIGSTOP"); // It still takes connections, and answers none.
  await mutagen.stopDaemon();
  await until("the daemon is gone", async () => !isRunning(pid));
  await mutagen.ensureDaemon();
  expect((await mutagen.list()).map((session) => session.name)).toEqual([spec.name]);
}, 60_000);

test("a daemon that cannot start says why", async () => {
  const lost = openMutagen({ dataDirectory: join(root, "d".repeat(100)) });
  await expect(lost.ensureDaemon()).rejects.toMatchObject({
    code: "MUTAGEN_DAEMON",
    message: expect.stringContaining("invalid argument"),
  });
});

test("SIGKILL of the daemon: the next call starts it again, and the session goes on", async () => {
  const made = await mutagen.ensureSession(spec);
  process.kill(await daemonPid(), "SIGKILL");
  await until("the daemon is gone", async () => !(await mutagen.running()));
  await writeFile(inA("after"), "x");
  expect((await mutagen.ensureSession(spec)).identifier).toBe(made.identifier);
  await mutagen.flush(spec.name);
  expect(existsSync(inB("after"))).toBe(true);
});

test("many who look at once share looks, and each sees what was there when it asked", async () => {
  const looking = mutagen.ensureDaemon().then(() => mutagen.list());
  const made = mutagen.ensureSession(spec).then(() => mutagen.list());
  await looking;
  expect((await made).map((session) => session.name)).toEqual([spec.name]);
  const ended = mutagen.terminate(spec.name).then(() => mutagen.list());
  await Promise.all([mutagen.list(), mutagen.list()]);
  expect(await ended).toEqual([]);
});
