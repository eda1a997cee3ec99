import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeEach, expect, test, vi } from "vitest";
import { harborHome, harborInfoFile } from "../../lib/base/paths.ts";
import { ensureHarbor, type HarborInfo, runningHarbor } from "../../lib/daemons/harbor.ts";
import { AS_NOBODY, anyUsersNode, NOBODY } from "../support/any-users-node.ts";
import { stateOf } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { caller, connected, ownHarborHome, pidNamespaceOf, processes, processesIn, processesWith } from "./fixture.ts";

const main = fileURLToPath(new URL("../../harbor/main.ts", import.meta.url));
const harborCommand = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args], { timeout: 20_000 });

beforeEach(() => ownHarborHome());

test("many callers at once get one harbor; --info tells it; --stop ends it", async () => {
  await expect(harborCommand("--info")).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("no harbor runs") });
  const daemon = new URL("../../lib/daemons/harbor.ts", import.meta.url);
  const script = `import("${daemon}").then(async ({ ensureHarbor }) => console.log(JSON.stringify(await ensureHarbor())))`;
  const elsewhere = async () => JSON.parse((await promisify(execFile)(process.execPath, ["-e", script])).stdout) as HarborInfo;
  const all = await Promise.all([ensureHarbor(), ensureHarbor(), elsewhere(), elsewhere()]);
  expect(new Set(all.map(({ url }) => url)).size).toBe(1);
  const { url, token } = all[0]!;
  expect(JSON.parse((await harborCommand("--info")).stdout)).toEqual({ url, token });
  expect(statSync(harborInfoFile()).mode & 0o777).toBe(0o600);
  expect((await harborCommand()).stdout).toContain(`a harbor runs already: ${all[0]!.url}`);
  await harborCommand("--stop");
  expect(await runningHarbor()).toBeUndefined();
  await harborCommand("--stop");
});

test("a stale info file is healed, also when its process and port belong to others now", async () => {
  mkdirSync(harborHome(), { recursive: true });
  writeFileSync(harborInfoFile(), JSON.stringify({ url: "http://127.0.0.1:9", token: "old", pid: process.pid }));
  const { url } = await ensureHarbor();
  expect(url).not.toBe("http://127.0.0.1:9");
  const info = readFileSync(harborInfoFile());
  writeFileSync(harborInfoFile(), "half a fi");
  expect(await runningHarbor()).toBeUndefined();
  writeFileSync(harborInfoFile(), info);
});

test("its environment is from a list: nothing else of the caller's reaches it; it runs though Node cannot keep what it compiles", async () => {
  vi.stubEnv("SOME_SECRET", "s3cret");
  vi.stubEnv("NODE_COMPILE_CACHE", "/dev/null/compiled");
  await ensureHarbor();
  const { pid } = (await runningHarbor())!;
  const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
  expect(environment).not.toContain("s3cret");
  expect(environment).toContain("OCAPTAIN_HOME=");
  expect(environment).toContain("NODE_COMPILE_CACHE=/dev/null/compiled");
});

test("killed with SIGKILL it takes its ships' processes along; the next finds its sprites cold, with ids, labels and files", async () => {
  const first = await ensureHarbor();
  const api = caller(first.url, first.token);
  const made = (await api.create("a", ["label"])).json();
  await api.create("b");
  await api.sh("a", "echo kept >~/file; tmux new-session -d 'sleep 1000'");
  await api.sh("b", "true");
  const exec = fetch(`${first.url}/v1/sprites/b/exec?cmd=sleep&cmd=1000`, {
    method: "POST",
    headers: { authorization: `Bearer ${first.token}` },
  }).then((reply) => reply.text());
  exec.catch(() => {});
  await until("the command", async () => (await api.call("GET", "/v1/sprites/b/exec")).json<{ count: number }>().count === 1);
  await api.sleep("b", "warm");
  const namespace = pidNamespaceOf(harborHome(), "a");
  const { pid } = (await runningHarbor())!;
  const children = processes((child) => readFileSync(`/proc/${child}/status`, "utf8").includes(`PPid:\t${pid}\n`));
  expect(children.map(stateOf)).toContain("T");
  process.kill(pid, "SIGKILL");
  await until("all processes' end", () => processesIn(namespace).length === 0 && processesWith(harborHome()).length === 0);
  await until("the frozen command's end", () => processes((child) => children.includes(Number(child))).length === 0);
  const second = await ensureHarbor();
  const again = caller(second.url, second.token);
  expect((await again.call("GET", "/v1/sprites/a")).json()).toMatchObject({ id: made.id, labels: ["label"], status: "cold" });
  expect(await again.status("b")).toBe("cold");
  expect((await again.sh("a", "cat ~/file; tmux ls")).out).toBe("kept\n");
  for (const name of ["a", "b"]) await again.call("DELETE", `/v1/sprites/${name}`);
});

test("a user without any privilege can run it", { skip: process.getuid!() !== 0 }, async () => {
  const home = process.env.OCAPTAIN_HOME!;
  chownSync(home, NOBODY, NOBODY);
  chmodSync(home, 0o700);
  const env = { PATH: process.env.PATH, HOME: home, OCAPTAIN_HOME: home };
  const child = spawn("setpriv", [...AS_NOBODY, anyUsersNode(home), main], { env, stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const { url, token } = (await runningHarbor())!;
  const api = caller(url, token);
  await api.create("a");
  expect(
    await api.sh("a", "id -un; echo x >~/f; mkdir ~/d; echo >~/d/f; chmod 555 ~/d; tmux new-session -d 'sleep 1000'"),
  ).toMatchObject({
    out: "sprite\n",
  });
  expect((await api.call("GET", "/v1/sprites/a/fs/read?path=/home/sprite/f")).text).toBe("x\n");
  // It prints only what is asked for now, so that nothing comes before it is listened to.
  const { socket } = await connected({ url, token }, "a", ["sh", "-c", "stty -echo; read _; tty"], "&tty=true");
  let screen = "";
  socket.on("message", (data, binary) => {
    if (binary) screen += data;
  });
  socket.send(Buffer.from("\n"));
  await until("its terminal's name", () => /^\/dev\/pts\/\d+\r\n/m.test(screen));
  socket.terminate();
  const namespace = pidNamespaceOf(harborHome(), "a");
  expect((await api.sleep("a", "warm")).status).toBe(204);
  expect((await api.sh("a", "tmux ls")).code).toBe(0);
  expect((await api.call("DELETE", "/v1/sprites/a")).status).toBe(204);
  expect(processesIn(namespace)).toEqual([]);
  child.kill("SIGTERM");
  await once(child, "exit");
});

test("where no ship can be confined it says so, and what to install", async () => {
  const { PATH } = process.env;
  vi.stubEnv("PATH", dirname(process.execPath));
  await expect(ensureHarbor()).rejects.toMatchObject({
    code: "HARBOR_START",
    message: expect.stringContaining("apt-get install bubblewrap"),
  });
  vi.stubEnv("PATH", PATH!);
});

test("an unknown latency profile is refused with those there are", async () => {
  await expect(harborCommand("--latency", "fast")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("none, realistic"),
  });
});
