import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { freePort } from "../../lib/base/free-port.ts";
import { helmHome, helmSocket, ocaptainHome } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { helmPort, keepHelmPort } from "../../lib/daemons/helm-port.ts";
import { helmPortCheck } from "../../lib/preflight/helm-port.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { gitIn } from "../support/git.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship } from "../support/helm-voyage.ts";
import { taskCounts } from "../support/task-counts.ts";

let captain: Awaited<ReturnType<typeof makeCaptain>>;
beforeEach(async () => {
  captain = await makeCaptain();
});
afterEach(async () => {
  await stopHelm();
  captain.remove();
});

const ID = "abc123";

test("a voyage is worked off over the wire: git log is the list of tasks", async () => {
  const helm = await ensureHelm();
  const source = makeSource(captain.root);
  const { folder, register } = await makeVoyage(source, "v", makePlan({ "1": [], "2": ["1"] }), {
    timing: { leaseSeconds: 60 },
  });
  expect(await helm.registerVoyage(ID, register)).toEqual({ added: ["1", "2"], updated: [], cancelled: [], kept: [] });
  expect((await helm.voyage(ID)).state).toBe("planning");
  const { token } = await helm.registerShip(ID, "ship-0", "vm-a");
  const s = ship(captain.url, token, "vm-a");
  expect((await s.hello()).claim).toBeNull();
  const tree = makeTree(captain.root, captain.url, ID, "ship-0", token);

  for (const id of ["1", "2"]) {
    const grant = await s.grant();
    expect(grant.task.id).toBe(id);
    await expect.poll(() => taskCounts(folder)).toMatchObject({ claimed: 1, byShip: { "ship-0": { task: id } } });
    tree.reset(grant.tip);
    const commit = tree.commit({ [`${id}.txt`]: id }, `Task ${id}\n\nwords`);
    tree.push(commit, grant);
    const reply = await s.accepted(grant, commit);
    expect(reply.kind).toBe("accepted");
  }
  expect(await s.claim()).toMatchObject({ kind: "nothing", reason: "done" });
  const log = gitIn(captain.root, "--git-dir", folder.repo, "log", "--format=%s|%an|%(trailers:separator=%x2C)", "v");
  expect(log.split("\n")).toEqual([
    "Task 2|ship-0|Task: 2,Ship: ship-0,Voyage: abc123",
    "Task 1|ship-0|Task: 1,Ship: ship-0,Voyage: abc123",
    "start|t|",
  ]);
  expect((await helm.voyage(ID)).state).toBe("done");
  expect(await taskCounts(folder)).toMatchObject({
    total: 2,
    accepted: 2,
    byShip: { "ship-0": { accepted: 2, task: null } },
  });
  await expect.poll(() => existsSync(join(folder.workspace, "2.txt"))).toBe(true);

  await helm.deregisterVoyage(ID);
  expect((await s.raw("claim", {}).catch(() => ({ status: 0 }))).status).not.toBe(200);
  await expect.poll(() => existsSync(helmSocket())).toBe(false);
});

test("two starters end in one helm; its folder and socket are the captain's alone; Node keeps what the helm compiled", async () => {
  const compiled = join(captain.root, "compiled");
  vi.stubEnv("NODE_COMPILE_CACHE", compiled);
  const [a, b] = await Promise.all([ensureHelm(), ensureHelm()]);
  expect((await a.health()).pid).toBe((await b.health()).pid);
  expect(statSync(helmHome()).mode & 0o777).toBe(0o700);
  expect(statSync(helmSocket()).mode & 0o777).toBe(0o600);
  await stopHelm();
  expect(readdirSync(compiled, { recursive: true }).length).toBeGreaterThan(50);
});

async function stranger(port: number) {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
}

test("a port held by a stranger is named, with its holder and the way out", async () => {
  await stranger(Number(process.env.OCAPTAIN_HELM_PORT));
  await expect(ensureHelm()).rejects.toMatchObject({
    code: "PORT_BUSY",
    message: expect.stringContaining(
      `port ${process.env.OCAPTAIN_HELM_PORT}, where the helm serves ships, is held by process ${process.pid} (`,
    ),
    hint: expect.stringMatching(/^OCAPTAIN_HELM_PORT=\d+ pulumi up$/),
  });
});

test("where nobody has said which port, a free one is found when it is taken, and kept until no ship knows it", async () => {
  // This port stands for 4318, which another test may have now.
  const taken = await freePort();
  await stranger(taken);
  await keepHelmPort(taken);
  delete process.env.OCAPTAIN_HELM_PORT;
  expect(await helmPortCheck().look()).toEqual([]);
  expect(await helmPortCheck({ tailnet: true }).look()).toMatchObject([
    {
      what: `port ${taken}`,
      message: expect.stringContaining(`process ${process.pid} (`),
      hint: expect.stringContaining(`kill ${process.pid}`),
    },
  ]);
  await expect(ensureHelm({ tailnet: true })).rejects.toMatchObject({
    code: "PORT_BUSY",
    hint: expect.stringContaining("tailnet"),
  });

  const { port } = await (await ensureHelm()).health();
  expect(port).not.toBe(taken);
  await stopHelm();
  const helm = await ensureHelm();
  expect((await helm.health()).port).toBe(port);
  const { register } = await makeVoyage(makeSource(captain.root), "v", makePlan({ "1": [] }));
  await helm.registerVoyage(ID, register);
  expect(helmPort()).toBe(port);
  await helm.deregisterVoyage(ID);
  expect(helmPort()).toBe(4318);
});

test("a voyage with a tailnet keeps the port that its ships can reach", async () => {
  const taken = await freePort();
  delete process.env.OCAPTAIN_HELM_PORT;
  await keepHelmPort(taken);
  const helm = await ensureHelm();
  const { register } = await makeVoyage(makeSource(captain.root), "v", makePlan({ "1": [] }));
  await helm.registerVoyage(ID, register);
  await writeVoyageIdentity({ voyageId: ID, stack: "v", captainId: "me", nonce: "n", createdAt: "now", control: "headscale" });
  await stopHelm();
  await stranger(taken);
  await expect(ensureHelm()).rejects.toMatchObject({ code: "PORT_BUSY", hint: expect.stringContaining("end that program") });
});

test("nobody on the socket is HELM_DOWN", async () => {
  await expect(helmClient().health()).rejects.toMatchObject({ code: "HELM_DOWN" });
});

test("no token is in any file of the helm or the voyage", async () => {
  const helm = await ensureHelm();
  const { register, folder } = await makeVoyage(makeSource(captain.root), "v", makePlan({ "1": [] }));
  await helm.registerVoyage(ID, {
    ...register,
    provider: { kind: "sprites", baseUrl: "http://127.0.0.1:9", token: "provider-secret" },
    notify: [{ url: "http://127.0.0.1:9/provider-secret", headers: { authorization: "provider-secret" } }],
  });
  const { token } = await helm.registerShip(ID, "ship-0", "vm-a");
  await ship(captain.url, token, "vm-a").hello();
  const { targets } = await helm.testNotices(ID, "verified");
  expect(targets).toMatchObject([{ target: "notify[0] (http://127.0.0.1:9)", ok: false, tries: 3 }]);
  expect(JSON.stringify([targets, await helm.notices(ID), await helm.voyage(ID)])).not.toContain("provider-secret");
  const secret = token.split(".")[1]!;
  for (const file of [
    folder.ledger,
    `${folder.ledger}-wal`,
    join(ocaptainHome(), "helm/helm.log"),
    join(ocaptainHome(), "helm/voyages.json"),
  ]) {
    const bytes = readFileSync(file, "latin1");
    expect(bytes).not.toContain(secret);
    expect(bytes).not.toContain("provider-secret");
  }
  for (const file of [folder.credentials, folder.notify]) expect(statSync(file).mode & 0o777).toBe(0o600);
  await helm.deregisterVoyage(ID);
  for (const file of [folder.credentials, folder.notify]) expect(existsSync(file)).toBe(false);
});

test("a helm has a temporary folder of its own and no folder of a shell's; one whose git is gone is started anew", async () => {
  const bin = join(captain.root, "bin");
  mkdirSync(bin);
  symlinkSync(gitPath(), join(bin, "git"));
  vi.stubEnv("PATH", bin);
  vi.stubEnv("TMPDIR", bin);
  const { pid } = await (await ensureHelm()).health();
  vi.unstubAllEnvs();
  expect(readFileSync(`/proc/${pid}/environ`, "utf8").split("\0")).toContain(`TMPDIR=${join(ocaptainHome(), "tmp")}`);
  expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
  expect((await (await ensureHelm()).health()).pid).toBe(pid);
  rmSync(bin, { recursive: true });
  expect((await (await ensureHelm()).health()).pid).not.toBe(pid);
});

const gitPath = () =>
  (process.env.PATH ?? "")
    .split(":")
    .map((folder) => join(folder, "git"))
    .find(existsSync) ?? "";
