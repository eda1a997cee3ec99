import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { withAttributes } from "../../helm/repository/merge-attributes.ts";
import { tidyRepo } from "../../helm/repository/tidy.ts";
import type { VoyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { PUT_ASIDE } from "../../lib/mutagen/mirror-links.ts";
import { readTaskRows } from "../../lib/voyage/task-files.ts";
import { gitIn } from "../support/git.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship } from "../support/helm-voyage.ts";

let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
let count = 0;
let id = "";
let folder: VoyageFolder;
beforeAll(async () => {
  captain = await makeCaptain();
  helm = await ensureHelm();
  // This voyage keeps the helm from ending between the tests.
  const keep = await makeVoyage(makeSource(captain.root), "keep", makePlan({ "1": [] }));
  await helm.registerVoyage("ffffff", keep.register);
});
afterEach(() => helm.deregisterVoyage(id));
afterAll(async () => {
  await stopHelm();
  captain.remove();
});

async function sail(graph: Record<string, string[]>, files?: Record<string, string>, metadata = {}) {
  id = `aa${String(count++).padStart(4, "0")}`;
  const voyage = await makeVoyage(makeSource(captain.root, files), `v${count}`, makePlan(graph, { metadata }), {
    timing: { leaseSeconds: 60 },
  });
  folder = voyage.folder;
  await helm.registerVoyage(id, voyage.register);
  return voyage;
}
async function join_(name: string, incarnation = `vm-${name}`) {
  const { token } = await helm.registerShip(id, name, incarnation);
  return {
    token,
    incarnation,
    call: ship(captain.url, token, incarnation),
    tree: makeTree(captain.root, captain.url, id, name, token),
  };
}
const bare = (...args: string[]) => gitIn(captain.root, "--git-dir", folder.repo, ...args);

test("a ship pushes to its own refs and nowhere else, not even to one whose name begins like its own", async () => {
  await sail({ "1": [] });
  const { tree } = await join_("ship-1");
  tree.reset((await helm.voyage(id)).tip);
  const commit = tree.commit({ a: "a" }, "work");
  const tipBefore = bare("rev-parse", `v${count}`);
  tree.git("push", "-q", tree.remote, `${commit}:refs/ships/ship-1/1-1`);
  for (const ref of [
    `refs/heads/v${count}`,
    "refs/heads/other",
    "refs/ships/ship-10/1-1",
    "refs/ships/ship-2/1-1",
    "refs/lost/1/1",
    "refs/tags/t",
    "refs/ships/ship-1",
  ]) {
    expect(() => tree.git("push", "-q", tree.remote, `${commit}:${ref}`), ref).toThrow(
      /hidden ref|funny refname|cannot lock|unable|failed/i,
    );
  }
  expect(() => tree.git("push", "-q", tree.remote, `:refs/heads/v${count}`)).toThrow(/hidden ref|failed/i);
  expect(bare("rev-parse", `v${count}`)).toBe(tipBefore);
  expect(bare("for-each-ref", "--format=%(refname)", "refs/ships")).toBe("refs/ships/ship-1/1-1\nrefs/ships/ship-1/tip");
  // There a ref may move to what is no descendant: a second try of a task starts anew.
  tree.git("reset", "-q", "--hard", "HEAD~1");
  const other = tree.commit({ b: "b" }, "again");
  tree.git("push", "-q", tree.remote, `+${other}:refs/ships/ship-1/1-1`);
  expect(bare("rev-parse", "refs/ships/ship-1/1-1")).toBe(other);
});

test("a push sends only what is new, although all other refs are hidden", async () => {
  await sail(
    { "1": [] },
    Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`f${index}`, randomBytes(100).toString("hex")])),
  );
  const { tree, token } = await join_("ship-0");
  tree.reset((await helm.voyage(id)).tip);
  const commit = tree.commit({ small: "s" }, "work");
  const header = `http.extraHeader=Authorization: Bearer ${token}`;
  const push = spawnSync("git", ["-c", header, "push", "--progress", tree.remote, `${commit}:refs/ships/ship-0/1-1`], {
    cwd: tree.folder,
    encoding: "utf8",
  });
  // These are a commit, a tree and a file.
  expect(/Total (\d+)/.exec(push.stderr)?.[1]).toBe("3");
});

test("a pack of 12 MB goes through, chunked and in both directions", async () => {
  await sail({ "1": [] });
  const a = await join_("ship-0");
  const grant = await a.call.grant();
  a.tree.reset(grant.tip);
  writeFileSync(join(a.tree.folder, "big"), randomBytes(12_000_000));
  const commit = a.tree.commit({}, "big");
  a.tree.push(commit, grant);
  const reply = await a.call.accepted(grant, commit);
  const b = await join_("ship-1");
  b.tree.reset(reply.tip);
  expect(readFileSync(join(b.tree.folder, "big")).equals(readFileSync(join(a.tree.folder, "big")))).toBe(true);
});

test("a gzipped request body is understood", async () => {
  await sail({ "1": [] });
  const { token } = await join_("ship-0");
  const { tip } = await helm.voyage(id);
  const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, "0")}${text}`;
  const body = gzipSync(`${line(`want ${tip} no-progress\n`)}0000${line("done\n")}`);
  const response = await fetch(`${captain.url}/git/${id}/git-upload-pack`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-encoding": "gzip",
      "content-type": "application/x-git-upload-pack-request",
    },
    body,
  });
  expect(response.status).toBe(200);
  expect(Buffer.from(await response.arrayBuffer()).toString("latin1")).toContain("PACK");
});

test("without its token nobody reads; with another voyage's or a fenced one neither", async () => {
  await sail({ "1": [] });
  const { token } = await join_("ship-0");
  const read = async (bearer: string, voyage = id) =>
    (
      await fetch(`${captain.url}/git/${voyage}/info/refs?service=git-upload-pack`, {
        headers: { authorization: `Bearer ${bearer}` },
      })
    ).status;
  expect(await read(token)).toBe(200);
  expect(await read(`${token}x`)).toBe(401);
  expect(await read("")).toBe(401);
  expect(await read(token, "ffffff")).toBe(403);
  await helm.fenceShip(id, "ship-0", "vm-ship-0", "test");
  expect(await read(token)).toBe(403);
  const raw = await fetch(`${captain.url}/git/${id}/HEAD`, {
    headers: { authorization: `Bearer ${(await join_("ship-0")).token}` },
  });
  expect(raw.status).toBe(404);
});

test("a client that goes away in the middle leaves no git process", async () => {
  await sail({ "1": [] });
  const { token } = await join_("ship-0");
  const { pid } = await helm.health();
  const socket = connect(Number(new URL(captain.url).port), "127.0.0.1");
  socket.write(
    `POST /git/${id}/git-receive-pack HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/x-git-receive-pack-request\r\ntransfer-encoding: chunked\r\n\r\n4\r\n00a4\r\n`,
  );
  const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  await expect.poll(children).not.toBe("");
  socket.destroy();
  await expect.poll(children).toBe("");
});

test("a ship that opens many transfers and ends none has four at a time, waits for itself, and keeps nobody else from the repository", async () => {
  await sail({ "1": [] });
  const [bad, good] = [await join_("ship-0"), await join_("ship-1")];
  const answers: string[] = [];
  const sockets = Array.from({ length: 40 }, () => {
    const socket = connect(Number(new URL(captain.url).port), "127.0.0.1");
    socket.setEncoding("utf8").on("data", (text: string) => answers.push(text));
    socket.write(
      `POST /git/${id}/git-upload-pack HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bad.token}\r\ncontent-type: application/x-git-upload-pack-request\r\ntransfer-encoding: chunked\r\n\r\n1\r\n0\r\n`,
    );
    return socket;
  });
  // Four are under way, eight wait.
  const refused = () => answers.filter((text) => /^HTTP\/1.1 503 [\s\S]*^retry-after: 2\r$/im.test(text));
  await expect.poll(() => refused().length).toBe(28);
  const transfers = () =>
    readdirSync("/proc").filter((pid) => {
      const read = (file: string) => /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/${file}`, "latin1");
      try {
        return String(read("cmdline")).startsWith("git\0http-backend") && String(read("environ")).includes(folder.repo);
      } catch {
        return false;
      }
    }).length;
  await expect.poll(transfers).toBe(4);

  good.tree.reset((await helm.voyage(id)).tip);
  const grant = await good.call.grant();
  const commit = good.tree.commit({ a: "a" }, "work");
  good.tree.push(commit, grant);
  await good.call.accepted(grant, commit);
  for (const socket of sockets) socket.destroy();
  await expect.poll(transfers).toBe(0);
  bad.tree.reset((await helm.voyage(id)).tip);
});

test("a repository in which much lies loose is packed, nothing of it is lost, and ships and accepts go on", async () => {
  await sail({ "1": [], "2": [] });
  const { call, tree } = await join_("ship-0");
  const first = await call.grant();
  tree.reset(first.tip);
  const commit = tree.commit({ a: "a" }, "Task 1");
  tree.push(commit, first);
  await call.accepted(first, commit);
  // No ref leads to this, as to a merge that is under way.
  const unreached = bare("commit-tree", `v${count}^{tree}`, "-m", "no ref leads here");
  const before = bare("for-each-ref");
  expect(await tidyRepo(folder)).toBe(false);
  expect(await tidyRepo(folder, 0)).toBe(true);
  expect(bare("for-each-ref")).toBe(before);
  expect(bare("count-objects", "-v")).toMatch(/^count: [1-3]\n[\s\S]*^packs: [12]$/m);
  expect(bare("cat-file", "-t", unreached)).toBe("commit");
  expect(existsSync(join(folder.repo, `refs/heads/v${count}`))).toBe(false);

  const second = await call.grant();
  expect(second.tip).toBe((await helm.voyage(id)).tip);
  tree.reset(second.tip);
  const next = tree.commit({ b: "b" }, "Task 2");
  tree.push(next, second);
  const { tip } = await call.accepted(second, next);
  expect(bare("rev-parse", `v${count}`)).toBe(tip);
  bare("fsck", "--strict");
});

test("a conflict is refused with tip and files; with the tip merged in it is accepted, and history stays one line", async () => {
  await sail({ "1": [], "2": [] }, { f: "one\n" });
  const [a, b] = [await join_("ship-0"), await join_("ship-1")];
  const [ga, gb] = [await a.call.grant(), await b.call.grant()];
  a.tree.reset(ga.tip);
  b.tree.reset(gb.tip);
  const ca = a.tree.commit({ f: "A\n" }, "Task of a");
  const cb = b.tree.commit({ f: "B\n", g: "g\n" }, "Task of b");
  a.tree.push(ca, ga);
  b.tree.push(cb, gb);
  const accepted = await a.call.accepted(ga, ca);
  const conflict = await b.call.accepted(gb, cb);
  expect(conflict).toEqual({ kind: "conflict", tip: accepted.tip, files: ["f"] });
  expect((await helm.voyage(id)).tip).toBe(accepted.tip);
  b.tree.git("fetch", "-q", b.tree.remote, `refs/heads/v${count}`);
  expect(() => b.tree.git("merge", conflict.tip)).toThrow();
  const merged = b.tree.commit({ f: "A and B\n" }, "Task of b, merged");
  b.tree.push(merged, gb);
  expect((await b.call.accepted(gb, merged)).kind).toBe("accepted");
  expect(
    bare("log", "--format=%s %p", `v${count}`)
      .split("\n")
      .map((line) => line.split(" ").length),
  ).toEqual([5, 4, 1]);
  expect(bare("show", `v${count}:f`)).toBe("A and B");
});

test("what the repository says of merging counts at the helm as it does on a ship: two tasks that append to a file of merge=union", async () => {
  const attributes = { ".gitattributes": "CHANGES merge=union\n", "sub/.gitattributes": "log merge=union\n" };
  await sail({ "1": [], "2": [] }, { ...attributes, CHANGES: "one\n", "sub/log": "one\n" });
  const [a, b] = [await join_("ship-0"), await join_("ship-1")];
  const [ga, gb] = [await a.call.grant(), await b.call.grant()];
  a.tree.reset(ga.tip);
  b.tree.reset(gb.tip);
  const ca = a.tree.commit({ CHANGES: "one\na\n", "sub/log": "one\na\n" }, "Task of a");
  const cb = b.tree.commit({ CHANGES: "one\nb\n", "sub/log": "one\nb\n" }, "Task of b");
  a.tree.push(ca, ga);
  b.tree.push(cb, gb);
  expect((await a.call.accepted(ga, ca)).kind).toBe("accepted");
  expect((await b.call.accepted(gb, cb)).kind).toBe("accepted");
  for (const file of ["CHANGES", "sub/log"]) expect(bare("show", `v${count}:${file}`)).toBe("one\na\nb");
});

test("what a commit says of how long a conflict's marks are is not heard: git would make them in memory", async () => {
  await sail({ "1": [] }, { ".gitattributes": "* merge=text conflict-marker-size=2000000000\n" });
  const told = await withAttributes(folder.repo, `v${count}`, async ({ workTree }) =>
    readFileSync(join(workTree!, ".gitattributes"), "utf8"),
  );
  expect(told).toContain("* merge=text ");
  expect(told).not.toContain("conflict-marker-size");
});

test("two clean accepts at one time both come in, one after the other", async () => {
  const ids = ["1", "2", "3", "4", "5", "6"];
  await sail(Object.fromEntries(ids.map((task) => [task, []])));
  const ships = await Promise.all(ids.map((task) => join_(`ship-${task}`)));
  const work = await Promise.all(
    ships.map(async (s) => {
      const grant = await s.call.grant();
      s.tree.reset(grant.tip);
      const commit = s.tree.commit({ [`f${grant.task.id}`]: "x" }, `T${grant.task.id}`);
      s.tree.push(commit, grant);
      return { s, grant, commit };
    }),
  );
  const replies = await Promise.all(work.map(({ s, grant, commit }) => s.call.accepted(grant, commit)));
  expect(replies.map((reply) => reply.kind)).toEqual(ids.map(() => "accepted"));
  expect(bare("log", "--format=%s", `v${count}`).split("\n").sort()).toEqual(["T1", "T2", "T3", "T4", "T5", "T6", "start"]);
  expect(bare("ls-tree", "--name-only", `v${count}`).split("\n")).toHaveLength(7);
});

test("only the commit that this ship pushed for this grant is taken; an empty one is fine", async () => {
  await sail({ "1": [], "2": [] });
  const [a, b] = [await join_("ship-0"), await join_("ship-1")];
  const [ga, gb] = [await a.call.grant(), await b.call.grant()];
  a.tree.reset(ga.tip);
  const commit = a.tree.commit({}, "nothing to change");
  expect(await a.call.accept(ga, commit)).toMatchObject({ status: 409, body: { error: "unknown-commit" } });
  a.tree.push(commit, ga);
  expect(await b.call.accept(gb, commit)).toMatchObject({ status: 409, body: { error: "unknown-commit" } });
  expect((await a.call.accepted(ga, commit)).kind).toBe("accepted");
});

test("commits are by the author whom the captain has named, signed off where that is asked; the trailers say which ship it was", async () => {
  const { register } = await sail({ "1": [], "2": [], "3": [] });
  const one = await join_("ship-0");
  const deliver = async (message: string) => {
    const grant = await one.call.grant();
    one.tree.reset(grant.tip);
    const commit = one.tree.commit({ [grant.task.id]: "done" }, message);
    one.tree.push(commit, grant);
    expect(await one.call.accepted(grant, commit)).toMatchObject({ kind: "accepted" });
    return bare("log", "-1", "--format=%an <%ae>|%cn|%(trailers:separator=%x2C)", register.stack);
  };
  const forged = (text: string) => `${text}\n\nSigned-off-by: Ann <ann@sea.example>\nTask: 9\n`;
  const author = { name: 'Ann "-x" $(id)', email: "ann@sea.example" };
  expect(await deliver(forged("by the ship"))).toBe(
    `ship-0 <ship-0@${id}.ocaptain>|ocaptain helm|Task: 1,Ship: ship-0,Voyage: ${id}`,
  );
  await helm.registerVoyage(id, { ...register, author });
  expect(await deliver(forged("by Ann"))).toBe(
    `Ann "-x" $(id) <ann@sea.example>|ocaptain helm|Task: 2,Ship: ship-0,Voyage: ${id}`,
  );
  await helm.registerVoyage(id, { ...register, author, signOff: true });
  expect(await deliver(forged("signed off"))).toBe(
    `Ann "-x" $(id) <ann@sea.example>|ocaptain helm|Task: 3,Ship: ship-0,Voyage: ${id},Signed-off-by: Ann "-x" $(id) <ann@sea.example>`,
  );
});

test("what a commit changes outside of what its task touches is noted in its trailers, on the task and in its file", async () => {
  const touches = { touches: ["src/**", "README.md"] };
  const hints = { files: ["other"], source: "spec-kit:T012" };
  const { register } = await sail({ "1": [], "2": [], "3": [], "4": [] }, undefined, { "1": touches, "2": touches, "4": hints });
  const one = await join_("ship-0");
  const deliver = async (files: Record<string, string>, message: string) => {
    const grant = await one.call.grant();
    one.tree.reset(grant.tip);
    for (const path of Object.keys(files)) mkdirSync(dirname(join(one.tree.folder, path)), { recursive: true });
    const commit = one.tree.commit(files, message);
    one.tree.push(commit, grant);
    expect(await one.call.accepted(grant, commit)).toMatchObject({ kind: "accepted" });
    const row = (await helm.voyage(id)).tasks.find((task) => task.id === grant.task.id)!;
    const file = JSON.parse(readFileSync(join(folder.tasks, `${grant.task.id}.json`), "utf8"));
    expect(file.metadata.ocaptain.outside).toEqual(row.outside);
    expect((await readTaskRows(folder)).find((task) => task.id === grant.task.id)!.outside).toEqual(row.outside);
    return row.outside;
  };
  const trailers = () =>
    bare("log", "-1", "--format=%(trailers:key=Outside-Touches,valueonly)", register.stack).trim().split("\n");

  expect(await deliver({ "src/deep/a.ts": "a", "README.md": "b" }, "inside\n\nOutside-Touches: forged\n")).toBeUndefined();
  expect(trailers()).toEqual([""]);

  const odd = ["more/b.md", " a\nTask: 9", "d\u202ee", "… and 7 more", "n".repeat(230)];
  const many = Array.from({ length: 30 }, (_, at) => `w/${at}`);
  const outside = await deliver(Object.fromEntries(["src/b.ts", ...odd, ...many].map((path) => [path, "x"])), "outside");
  expect(outside).toMatchObject({ count: 35 });
  expect(outside!.files).toHaveLength(20);
  expect(outside!.files.slice(0, 5)).toEqual(['" a\\nTask: 9"', '"d\\u202ee"', "more/b.md", `${"n".repeat(200)}…`, "w/0"]);
  expect(trailers()).toEqual([...outside!.files, "… and 15 more"]);

  // Nothing is said of what these touch, or only hinted at. An imported task says where it came from.
  expect(await deliver({ anything: "x" }, "free")).toBeUndefined();
  expect(await deliver({ hinted: "x" }, "hinted")).toBeUndefined();
  for (const rows of [(await helm.voyage(id)).tasks, await readTaskRows(folder)])
    expect(rows.map(({ source }) => source)).toEqual([undefined, undefined, undefined, "spec-kit:T012"]);
});

test("a commit of the captain's own on the branch is built upon", async () => {
  const { folder } = await sail({ "1": [] });
  const a = await join_("ship-0");
  const grant = await a.call.grant();
  writeFileSync(join(folder.workspace, "by-hand"), "x");
  gitIn(folder.workspace, "add", "-A");
  gitIn(folder.workspace, "commit", "-q", "-m", "by hand");
  gitIn(folder.workspace, "push", "-q", "origin", `v${count}`);
  a.tree.reset(grant.tip);
  const commit = a.tree.commit({ work: "w" }, "Work");
  a.tree.push(commit, grant);
  expect((await a.call.accepted(grant, commit)).kind).toBe("accepted");
  expect(bare("log", "--format=%s", `v${count}`)).toBe("Work\nby hand\nstart");
});

test("the workspace moves forward when clean, and never over a person's edit", async () => {
  const { folder } = await sail({ "1": [], "2": ["1"], "3": ["2"] });
  const a = await join_("ship-0");
  const step = async (name: string) => {
    const grant = await a.call.grant();
    a.tree.reset(grant.tip);
    const commit = a.tree.commit({ [name]: name }, name);
    a.tree.push(commit, grant);
    return (await a.call.accepted(grant, commit)).tip;
  };
  const head = () => gitIn(folder.workspace, "rev-parse", "HEAD");
  const first = await step("one");
  await expect.poll(head).toBe(first);
  writeFileSync(join(folder.workspace, "README.md"), "edited by a person\n");
  await step("two");
  await step("three");
  expect(head()).toBe(first);
  expect(readFileSync(join(folder.workspace, "README.md"), "utf8")).toBe("edited by a person\n");
});

test("what a fenced ship had not committed is under refs/lost before another has its task, on top of what it was granted", async () => {
  const { folder } = await sail({ "1": [] }, { "README.md": "hello\n", ".gitignore": "cache\n" });
  const a = await join_("ship-0");
  const grant = await a.call.grant();
  const mirror = folder.mirror("ship-0");
  mkdirSync(mirror, { recursive: true });
  gitIn(captain.root, "--git-dir", folder.repo, "--work-tree", mirror, "checkout", "-q", "-f", grant.tip, "--", ".");
  writeFileSync(join(mirror, "half"), "half done\n");
  mkdirSync(join(mirror, "cache"));
  writeFileSync(join(mirror, "cache", "x"), "x");
  expect(await helm.fenceShip(id, "ship-0", "vm-ship-0", "its VM is gone")).toEqual({ lost: ["refs/lost/1/1"] });
  expect(await helm.fenceShip(id, "ship-0", "vm-ship-0", "again")).toEqual({ lost: ["refs/lost/1/1"] });
  expect(bare("show", "refs/lost/1/1:half")).toBe("half done");
  expect(bare("rev-parse", "refs/lost/1/1^")).toBe(grant.tip);
  expect(bare("ls-tree", "-r", "--name-only", "refs/lost/1/1").split("\n")).toEqual([".gitignore", "README.md", "half"]);
  expect(await a.call.claim().catch((error) => String(error))).toContain("fenced");
  const b = await join_("ship-1");
  expect(await b.call.grant()).toMatchObject({ task: { id: "1" }, epoch: 2 });
});

test("nothing that a repository, a checkout or a mirror brings is run at the captain", async () => {
  const trap = join(captain.root, "trap");
  const springs = join(captain.root, "springs");
  writeFileSync(trap, `#!/bin/sh\ntouch ${springs}\ncat\n`);
  chmodSync(trap, 0o755);
  const arm = (gitDir: string) => {
    mkdirSync(join(gitDir, "hooks"), { recursive: true });
    for (const hook of [
      "pre-commit",
      "post-commit",
      "post-checkout",
      "post-merge",
      "pre-receive",
      "update",
      "post-receive",
      "post-update",
      "reference-transaction",
      "post-index-change",
    ]) {
      writeFileSync(join(gitDir, "hooks", hook), `#!/bin/sh\ntouch ${springs}\n`, { mode: 0o755 });
    }
    gitIn(gitDir, "--git-dir", gitDir, "config", "core.fsmonitor", trap);
    gitIn(gitDir, "--git-dir", gitDir, "config", "uploadpack.packObjectsHook", trap);
  };
  const attributes = { ".gitattributes": "* filter=evil diff=evil merge=evil\n", f: "1\n" };
  id = `aa${String(count++).padStart(4, "0")}`;
  const source = makeSource(captain.root, attributes);
  // A submodule at the path where the mirror will have an armed repository.
  const submodule = gitIn(source, "rev-parse", "HEAD");
  gitIn(source, "update-index", "--add", "--cacheinfo", `160000,${submodule},sub`);
  gitIn(source, "commit", "-q", "-m", "with a submodule");
  arm(join(source, ".git"));
  const voyage = await makeVoyage(source, `v${count}`, makePlan({ "1": [], "2": [] }));
  folder = voyage.folder;
  arm(folder.repo);
  arm(join(folder.workspace, ".git"));
  await helm.registerVoyage(id, voyage.register);

  const a = await join_("ship-0");
  const grant = await a.call.grant();
  a.tree.reset(grant.tip);
  const commit = a.tree.commit({ f: "2\n" }, "Work");
  a.tree.push(commit, grant);
  expect((await a.call.accepted(grant, commit)).kind).toBe("accepted");
  await expect.poll(() => readFileSync(join(folder.workspace, "f"), "utf8")).toBe("2\n");

  const second = await a.call.grant();
  const mirror = folder.mirror("ship-0");
  mkdirSync(mirror, { recursive: true });
  writeFileSync(join(mirror, ".gitattributes"), attributes[".gitattributes"]);
  writeFileSync(join(mirror, "f"), "3\n");
  const nested = join(mirror, "sub");
  mkdirSync(nested);
  gitIn(nested, "init", "-q");
  gitIn(nested, "fetch", "-q", source, submodule);
  gitIn(nested, "checkout", "-q", submodule);
  // A status of that repository would run its own filter to compare a touched file. (Settings in our environment reach
  // such a status too.)
  gitIn(nested, "config", "filter.evil.clean", trap);
  writeFileSync(join(nested, "f"), "2\n");
  arm(join(nested, ".git"));
  expect((await helm.fenceShip(id, "ship-0", "vm-ship-0", "test")).lost).toEqual([`refs/lost/2/${second.epoch}`]);
  expect(bare("ls-tree", `refs/lost/2/${second.epoch}`, "sub")).toBe(bare("ls-tree", `v${count}`, "sub"));
  expect(existsSync(springs)).toBe(false);
});

test("a link out of the tree, from a repository or a ship, is a link at the captain: nothing is written or read through it", async () => {
  const outside = join(captain.root, `outside-${count}`);
  mkdirSync(outside);
  writeFileSync(join(outside, "key"), "the captain's\n");
  const { folder } = await sail({ "1": [], "2": [], "3": [] });
  const a = await join_("ship-0");
  const linked = await a.call.grant();
  a.tree.reset(linked.tip);
  symlinkSync(outside, join(a.tree.folder, "d"));
  const commit = a.tree.commit({}, "a link");
  a.tree.push(commit, linked);
  const { tip } = await a.call.accepted(linked, commit);
  await expect.poll(() => linkAt(join(folder.workspace, "d"))).toBe(outside);

  // Where the captain's checkout has the link, the branch goes on with a folder.
  const through = await a.call.grant();
  a.tree.reset(tip);
  rmSync(join(a.tree.folder, "d"));
  mkdirSync(join(a.tree.folder, "d"));
  const second = a.tree.commit({ "d/key": "a ship's\n" }, "a folder");
  a.tree.push(second, through);
  await a.call.accepted(through, second);
  await expect.poll(() => readFileSync(join(folder.workspace, "d", "key"), "utf8")).toBe("a ship's\n");
  expect(readFileSync(join(outside, "key"), "utf8")).toBe("the captain's\n");

  // In this mirror a folder of the branch is the link: what is saved is the link, and nothing behind it.
  const lost = await a.call.grant();
  const mirror = folder.mirror("ship-0");
  mkdirSync(mirror, { recursive: true });
  symlinkSync(outside, join(mirror, "d"));
  expect((await helm.fenceShip(id, "ship-0", "vm-ship-0", "test")).lost).toEqual([`refs/lost/3/${lost.epoch}`]);
  expect(bare("ls-tree", `refs/lost/3/${lost.epoch}`, "d")).toMatch(/^120000 blob/);
});

const linkAt = (path: string) => {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
};

test("a link by which one leaves a mirror through another is put aside while the ship sails, and what is saved of the mirror has the repository's own in its place", async () => {
  const { folder } = await sail({ "1": [], "2": [] });
  const a = await join_("ship-0");
  const first = await a.call.grant();
  a.tree.reset(first.tip);
  symlinkSync("later/../../out", join(a.tree.folder, "odd"));
  const commit = a.tree.commit({}, "an odd link");
  a.tree.push(commit, first);
  await a.call.accepted(first, commit);
  const second = await a.call.grant();
  const mirror = folder.mirror("ship-0");
  mkdirSync(mirror, { recursive: true });
  for (const name of ["odd", "new"]) symlinkSync("later/../../out", join(mirror, name));
  writeFileSync(join(mirror, "work"), "work\n");
  await expect.poll(() => ["odd", "new"].map((name) => linkAt(join(mirror, name)))).toEqual([PUT_ASIDE, PUT_ASIDE]);
  const { lost } = await helm.fenceShip(id, "ship-0", "vm-ship-0", "test");
  expect(lost).toEqual([`refs/lost/2/${second.epoch}`]);
  expect(bare("show", `${lost[0]}:odd`)).toBe("later/../../out");
  expect(bare("ls-tree", "--name-only", lost[0]!).split("\n").sort()).toEqual(["odd", "work"]);
});
