import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { withAttributes } from "../../lib/git/merge-attributes.ts";
import { readTaskRows } from "../../lib/voyage/task-files.ts";
import { gitIn } from "../support/git.ts";
import { bare, count, folder, helm, id, join_, sail } from "./git-voyage.ts";

/** How work comes onto the branch, in one line, and how the captain's own checkout follows it. */

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
