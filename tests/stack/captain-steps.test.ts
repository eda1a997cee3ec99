import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { diamond } from "../support/plan.ts";
import { type Captain, openCaptain } from "./captain.ts";

/**
 * A captain with the real engine. The plugin of @pulumi/command is a stand-in, because its binary does not come with
 * its npm package.
 */
let captain: Captain;
const path = process.env.PATH;
beforeAll(async () => {
  captain = await openCaptain({ tasks: diamond(3), config: { ships: 1 } });
});
afterAll(async () => {
  process.env.PATH = path;
  await captain.close();
});

const told = async () =>
  (await readFile(join(captain.folder, "told"), "utf8").catch(() => "")).trim().split("\n").filter(Boolean);
const steps = (at: string) => ({
  onSail: `echo "sail ${at} $STACK $BRANCH $SHIPS $(ls "$WORKSPACE")" >> ${captain.folder}/told`,
  onSink: `echo "sink $STACK $(ls "$WORKSPACE/out" | wc -l)" >> ${captain.folder}/told; ${example.replaceAll("$HOME", captain.folder)}`,
});
/** The example of the documentation, which must do what it says. */
const example = /ocaptain:onSink '(.*)'/.exec(readFileSync("docs/plans.md", "utf8"))![1]!;

test("onSail is in preview, runs when ships are ready, once, again when it is another; it fails up when it fails", async () => {
  process.env.PATH = [join(import.meta.dirname, "stand-in-plugin"), join(import.meta.dirname, "../../bin"), path].join(":");
  await captain.configure(steps("one"));
  const [preview, update] = String((await captain.pulumi(["up", "--yes", "--diff", ...captain.onStack])).all).split(
    "Updating (sea):",
  );
  expect(preview).toMatch(/on-sail[\s\S]*sail one/);
  expect(update).toBeTruthy();
  const sails = async () => (await told()).filter((line) => line.startsWith("sail "));
  expect(await sails()).toEqual(["sail one sea sea ship-0 README.md"]);
  await captain.until("verified", (s) => s.state === "verified");
  await captain.up(["--expect-no-changes"]);
  await captain.configure({ onSail: "echo no wind; exit 3" });
  const up = await captain.up([], { reject: false });
  expect(up.exitCode).not.toBe(0);
  expect(String(up.all)).toMatch(/on-sail[\s\S]*exit status 3[\s\S]*no wind/);
  await captain.configure(steps("two"));
  await captain.up();
  expect(await sails()).toEqual([expect.stringMatching(/^sail one/), expect.stringMatching(/^sail two/)]);
});

test("no path of this machine is in their state but what the captain wrote; onSink runs at destroy, when the ship is gone and its work is home: the example of the documentation writes the voyage's report", async () => {
  const { resources = [] } = (await captain.state()).deployment;
  const state = JSON.stringify(resources.filter(({ type }) => type.startsWith("command:")))
    .replaceAll(`${captain.folder}/told`, "")
    .replaceAll(`${captain.folder}/$STACK.html`, "");
  expect(state).toContain("on-sink");
  expect(state).not.toContain(captain.folder);
  expect(state).not.toContain(process.cwd());
  await captain.destroy();
  expect((await told()).at(-1)).toBe("sink sea 3");
  const report = await readFile(join(captain.folder, `${captain.stack}.html`), "utf8");
  expect(report).toContain(`<title>${captain.stack}: report of a voyage</title>`);
  for (const { id } of diamond(3)) expect(report).toContain(`Task ${id}`);
});
