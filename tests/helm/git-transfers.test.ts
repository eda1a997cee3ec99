import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { tidyRepo } from "../../helm/repository/tidy.ts";
import { bare, captain, count, folder, helm, id, join_, sail } from "./git-voyage.ts";

/** How ships push and fetch: what they may, by which token, and how much at a time. */

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
  const [before, objects] = [bare("for-each-ref"), bare("count-objects", "-v")];
  expect(await tidyRepo(folder)).toBe(false);
  // Many refs alone are packed alone.
  expect(await tidyRepo(folder, { refs: 1 })).toBe(true);
  expect(existsSync(join(folder.repo, `refs/ships/ship-0/${first.task.id}-${first.epoch}`))).toBe(false);
  expect(bare("count-objects", "-v")).toBe(objects);
  expect(await tidyRepo(folder, { refs: 1 })).toBe(false);
  expect(await tidyRepo(folder, { objects: 0 })).toBe(true);
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
