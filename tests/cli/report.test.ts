import { lstat, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Io } from "../../cli/output/io.ts";
import { collectReport } from "../../cli/report/facts/collect.ts";
import { findVoyage } from "../../cli/target/choose-voyage.ts";
import { report } from "../../cli/verbs/report.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { readVoyageIdentity, writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship } from "../support/helm-voyage.ts";
import { BIN, ocaptain } from "../support/ocaptain.ts";
import { elementsOf, readStrictXml, textOf } from "../support/strict-xml.ts";

/** `ocaptain report` of a voyage with a real helm and a real repository, at sea, without a helm, and sunk. */
const ID = "abc123";
let captain: Awaited<ReturnType<typeof makeCaptain>>;
let helm: HelmClient;
let at: string;
beforeAll(async () => {
  captain = await makeCaptain();
  helm = await ensureHelm();
  const timing = { leaseSeconds: 600, heartbeatSeconds: 60, fenceSeconds: 400, lingerSeconds: 5 };
  const { register } = await makeVoyage(makeSource(captain.root), "quay", makePlan({ "1": [], "2": ["1"] }), { timing });
  await helm.registerVoyage(ID, register);
  const createdAt = new Date().toISOString();
  await writeVoyageIdentity({ voyageId: ID, stack: "quay", captainId: "0123456789ab", nonce: "n", createdAt });
  const { token } = await helm.registerShip(ID, "ship-0", "vm");
  const call = ship(captain.url, token, "vm");
  await call.hello();
  const tree = makeTree(captain.root, captain.url, ID, "ship-0", token);
  const grant = await call.grant();
  tree.reset(grant.tip);
  const commit = tree.commit({ "keel.txt": "oak\nfir\n", "<b>.txt": "x\n" }, "Lay the keel");
  tree.push(commit, grant);
  await call.accepted(grant, commit, { summary: "The keel is laid." });
  at = join(captain.root, "out");
  await mkdir(at);
});
afterAll(async () => {
  await stopHelm();
  captain.remove();
});
/** The verb in this process, without a terminal: what it prints, or the error that it ends with. */
async function run(options: Parameters<typeof report>[1]): Promise<string> {
  const said: string[] = [];
  const io = { json: false, signal: new AbortController().signal, out: (text: string) => said.push(text), note: () => {} };
  await report("quay", options, io as unknown as Io);
  return said.join("\n");
}
const facts = async () => collectReport(await findVoyage("quay"));

test("at sea: a page in the working folder, whose facts are those of status", async () => {
  const made = await execa(BIN, ["report"], { cwd: at, reject: false, stdin: "ignore", timeout: 60_000 });
  expect(made).toMatchObject({ exitCode: 0, stdout: "quay-report.html", stderr: "" });
  const document = readStrictXml(await readFile(join(at, "quay-report.html"), "utf8"));
  expect(textOf(document)).toContain("1 of 2 tasks were delivered by 1 ship");
  expect(textOf(document)).toContain("The keel is laid.");
  expect(elementsOf(document).find(({ attributes }) => attributes.id === "task-1")).toBeDefined();
  const [told, status] = await Promise.all([ocaptain("report", "--json"), ocaptain("status", "--json")]).then((all) =>
    all.map(({ stdout }) => JSON.parse(stdout)),
  );
  expect(told.voyage).toMatchObject({ stack: "quay", state: status.state, tip: status.tip });
  expect(told.tasks.filter((task: { status: string }) => task.status === "accepted")).toHaveLength(status.tasks.accepted);
  expect(told.tasks[0].change).toEqual({ files: 2, insertions: 3, deletions: 0 });
  expect(told.delivery).toMatchObject({ commits: 1, change: { files: 2, insertions: 3, deletions: 0 } });
  expect(told.ships).toMatchObject([{ ship: "ship-0", state: status.ships[0].state, accepted: 1, cutOff: 0 }]);
  expect(told.unknown).toEqual([]);
});

test("it writes over its own page, over no other file without --force, also behind a link, and into a folder that is named", async () => {
  const own = join(at, "own.html");
  for (let n = 0; n < 2; n++) expect(await run({ output: own })).toContain("own.html");
  const [mine, link] = [join(at, "mine.html"), join(at, "link.html")];
  await writeFile(mine, "<p>mine</p>");
  await symlink(mine, link);
  for (const output of [mine, link])
    await expect(run({ output })).rejects.toMatchObject({
      code: "NOT_OURS",
      hint: expect.stringContaining("ocaptain report --force"),
    });
  expect(await readFile(mine, "utf8")).toBe("<p>mine</p>");
  await run({ output: link, force: true });
  expect(await readFile(mine, "utf8")).toMatch(/^<!DOCTYPE html>/);
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  await mkdir(join(at, "sub"));
  expect(await run({ output: join(at, "sub") })).toMatch(/sub\/quay-report\.html$/);
  readStrictXml(await run({ output: "-" }));
});

test("without the helm, and sunk: the same is told of what happened, and what is not known is said", async () => {
  const before = await facts();
  process.kill((await helm.health()).pid, "SIGKILL");
  const without = await facts();
  expect(without.unknown).toEqual(["The helm does not answer: what ships do now is not known."]);
  expect(without.tasks).toEqual(before.tasks);
  const identity = (await readVoyageIdentity("quay"))!;
  await writeVoyageIdentity({ ...identity, sunkAt: new Date().toISOString() });
  const sunk = await facts();
  expect(sunk.voyage).toMatchObject({ state: "sunk", sunkAs: null, tip: before.voyage.tip });
  expect(sunk.unknown).toEqual([]);
});
