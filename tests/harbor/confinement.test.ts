import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openHarbor, pidNamespaceOf, processesIn, processesWith, temporaryFolder } from "./fixture.ts";

test("a ship sees a system and its own home, and nothing of the captain's", async () => {
  const { create, sh, home } = await openHarbor();
  await create("a");
  await create("b");
  await sh("b", "echo secret-of-b >~/b; echo secret-of-b >/tmp/b; sleep 1000 >/dev/null 2>&1 &");
  const captain = [homedir(), home, process.cwd(), "/etc/shadow", "/etc/passwd-", "/var/log", "/work", "/opt"].filter((path) =>
    existsSync(path),
  );
  for (const path of captain.filter((path) => path !== "/root"))
    expect(await sh("a", `test -e ${path} && ls -d ${path}/*`), path).toMatchObject({ code: 1, out: "" });
  expect((await sh("a", "ls -A /root /home /tmp ~")).out).toBe("/home:\nsprite\n\n/home/sprite:\n\n/root:\n\n/tmp:\n");
  expect((await sh("a", "ps -e -o comm=")).out.trim().split("\n").sort()).toEqual(
    ["bwrap", "ps", "sh", "sleep"].filter((name) => name),
  );
  expect((await sh("a", "hostname; id -un; id -u; echo ~")).out).toBe("a\nsprite\n1000\n/home/sprite\n");
  expect((await sh("a", "cut -d: -f1 /etc/passwd /etc/group")).out.split("\n")).toEqual([
    "root",
    "sprite",
    "root",
    "tty",
    "sprite",
    "",
  ]);
});

test("the system and the kernel's settings cannot be written; home and /tmp can", async () => {
  const { create, sh } = await openHarbor();
  await create("a");
  for (const path of [
    "/x",
    "/usr/x",
    "/etc/x",
    "/etc/passwd",
    "/.sprite/bin/x",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/hostname",
  ])
    expect((await sh("a", `echo x >${path}`)).code, path).not.toBe(0);
  expect((await sh("a", "grep Cap /proc/self/status | grep -v Bnd | grep -v 0000000000000000")).code).toBe(1);
  expect((await sh("a", "unshare --user --map-root-user --mount --pid --fork mount -t proc proc /proc")).code).not.toBe(0);
  expect((await sh("a", "unshare --user --map-root-user --mount mount -o remount,rw /usr")).code).not.toBe(0);
  expect((await sh("a", "echo x >~/x && echo x >/tmp/x && stat -c %a /tmp")).out).toBe("1777\n");
});

test("a ship has what the crew needs: node 22 or newer, git, tmux, bash, its own API", async () => {
  const { create, sh } = await openHarbor();
  await create("a");
  const { out } = await sh(
    "a",
    "node -p 'process.versions.node.split(`.`)[0]'; git --version; tmux -V; bash -c 'echo $BASH_VERSION'; sprite-env curl /v1/tasks",
  );
  const [node, git, tmux, bash, tasks] = out.split("\n");
  expect(Number(node)).toBeGreaterThanOrEqual(22);
  expect([git, tmux, bash, tasks]).toEqual([
    expect.stringContaining("git"),
    expect.stringContaining("tmux"),
    expect.stringMatching(/^\d/),
    '{"tasks":[]}',
  ]);
});

test("file calls follow a ship's links in the ship, not outside", async () => {
  const { create, sh, call } = await openHarbor();
  const outside = temporaryFolder();
  writeFileSync(join(outside, "key"), "secret");
  await create("a");
  await sh("a", `ln -s ${outside}/key ~/key; ln -s /etc/passwd ~/passwd`);
  expect((await call("GET", "/v1/sprites/a/fs/read?path=/home/sprite/key")).status).toBe(404);
  expect((await call("GET", "/v1/sprites/a/fs/read?path=/home/sprite/passwd")).text).toContain("sprite:x:1000");
  expect((await call("PUT", "/v1/sprites/a/fs/write?path=/home/sprite/key", "overwritten")).status).not.toBe(200);
  expect(readFileSync(join(outside, "key"), "utf8")).toBe("secret");
});

test("`kill 0` and `kill -9 -1` in a ship reach nothing outside it", async () => {
  const { create, sh, status } = await openHarbor();
  await create("a");
  await create("b");
  const other = (await sh("b", "sleep 1000 >/dev/null 2>&1 & echo $!")).out.trim();
  expect(await sh("a", "trap '' TERM; kill 0; echo alive; exit 5")).toMatchObject({ out: "alive\n", code: 5 });
  await sh("a", "kill -9 -1");
  expect((await sh("b", `kill -0 ${other}`)).code).toBe(0);
  expect(await status("b")).toBe("running");
});

for (const state of ["running", "warm", "cold"] as const) {
  test(`nothing of a ${state} sprite survives its delete: process, mount, file, door`, async () => {
    const { create, sh, call, home, sleep } = await openHarbor();
    await create("doomed");
    await sh(
      "doomed",
      "mkdir -p ~/cache/mod; echo x >~/cache/mod/file; chmod -R a-w ~/cache; chmod 000 ~/cache/mod; ln -s / ~/root",
    );
    await sh("doomed", "tmux new-session -d 'sleep 1000'; setsid nohup sleep 1000 >/dev/null 2>&1 &");
    const namespace = pidNamespaceOf(home, "doomed");
    const living = processesIn(namespace);
    expect(living.length).toBeGreaterThan(4);
    if (state !== "running") await sleep("doomed", state);
    expect((await call("DELETE", "/v1/sprites/doomed")).status).toBe(204);
    // The kernel gives the namespace's number to the next ship of this machine, whoever starts that.
    expect(processesIn(namespace).filter((pid) => living.includes(pid))).toEqual([]);
    expect(processesWith(home)).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(home);
    expect(readdirSync(join(home, "s"))).toEqual([]);
    expect([...readdirSync(join(home, "awake")), ...readdirSync(join(home, "ssh"))]).toEqual([]);
    expect((await call("GET", "/v1/sprites/doomed")).status).toBe(404);
  });
}

test("a delete takes files of the ship only: what its links point to stays", async () => {
  const { create, call, home } = await openHarbor();
  const outside = temporaryFolder();
  mkdirSync(join(outside, "kept"));
  await create("a");
  const [folder] = readdirSync(join(home, "s"));
  symlinkSync(outside, join(home, "s", folder!, "home", "link"));
  mkdirSync(join(home, "s", folder!, "home", "locked"));
  writeFileSync(join(home, "s", folder!, "home", "locked", "x"), "");
  chmodSync(join(home, "s", folder!, "home", "locked"), 0o500);
  expect((await call("DELETE", "/v1/sprites/a")).status).toBe(204);
  expect(existsSync(join(outside, "kept"))).toBe(true);
});
