import { appendFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ocaptain, ongoing } from "../support/ocaptain.ts";
import { until } from "../support/until.ts";

/** Each test has a voyage's folder with logs as Mutagen brings them, and no daemon at all. */
let folder: string;
let logs: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ol-"));
  Object.assign(process.env, { OCAPTAIN_HOME: join(folder, "h"), OCAPTAIN_VOYAGES: join(folder, "v") });
  const voyage = { voyageId: "abc123", stack: "sea", captainId: "0", nonce: "n", createdAt: "2026-11-23T00:00:00Z" };
  await put("../voyage.json", JSON.stringify(voyage));
});
afterEach(async () => {
  for (const name of ["OCAPTAIN_HOME", "OCAPTAIN_VOYAGES"]) delete process.env[name];
  await rm(folder, { recursive: true, force: true });
});

async function put(path: string, text: string): Promise<void> {
  logs = join(folder, "v", "sea", "logs");
  const file = join(logs, path);
  await mkdir(dirname(file), { recursive: true });
  // Mutagen too writes a new file and puts it in the place of the old one.
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
const said = (at: string, event: string, text: string, facts: object = {}) =>
  `${JSON.stringify({ at: `2026-11-23T10:00:${at}Z`, event, text, ...facts })}\n`;
const claimed = (at: string, task: string) => said(at, "claimed", `task ${task}`, { task, epoch: 1 });
const texts = async (...args: string[]) =>
  (await ocaptain("logs", ...args)).stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => line.slice(20));

test("ships and lives are merged by time; a hand's output stands where its task was claimed", async () => {
  await put("ship-0/a/supervisor.jsonl", said("01.000", "hello", "first life"));
  await put("ship-0/b/supervisor.jsonl", said("05.000", "hello", "second life") + claimed("06.000", "2"));
  await put("ship-0/b/task-2-1.log", "output of 2\nmore of 2\n");
  await put(
    "ship-1/c/supervisor.jsonl",
    claimed("02.000", "1") + said("07.000", "accepted", "task 1 done", { task: "1", epoch: 1 }),
  );
  await put("ship-1/c/task-1-1.log", "output of 1\n");
  expect(await texts()).toEqual([
    "ship-0 * first life",
    "ship-1 * task 1",
    "ship-1 #1 | output of 1",
    "ship-0 * second life",
    "ship-0 * task 2",
    "ship-0 #2 | output of 2",
    "ship-0 #2 | more of 2",
    "ship-1 * task 1 done",
  ]);
  expect(await texts("--task", "1", "-n", "2")).toEqual(["ship-1 #1 | output of 1", "ship-1 * task 1 done"]);
  expect(await texts("-n", "0")).toEqual([]);
  expect(await texts("-s", "0", "-g", "^more")).toEqual(["ship-0 #2 | more of 2"]);
});

test("a journal that was cut off, or is no JSON, is shown as it is; so is a last line without an end", async () => {
  await put("ship-0/a/supervisor.jsonl", `${said("01.000", "hello", "whole")}{"at":"2026-11-23T10:00:02.0\n`);
  await put("ship-0/a/task-1-1.log", "no newline here");
  const shown = await texts();
  expect(shown).toHaveLength(3);
  expect(shown).toEqual(
    expect.arrayContaining(['ship-0 supervisor | {"at":"2026-11-23T10:00:02.0', "ship-0 #1 | no newline here"]),
  );
});

test("what an agent prints cannot steer the captain's terminal; JSON has it whole", async () => {
  const evil = "\x1b]0;title\x07\x1b[2Jred\x1b[31m\rover\tthere";
  await put("ship-0/a/task-1-1.log", `${evil}\n`);
  expect((await texts())[0]).toBe("ship-0 #1 | redover\tthere");
  expect(JSON.parse((await ocaptain("logs", "--json")).stdout).text).toBe(evil);
});

test("--since takes what is younger, and the output of tasks that grew since", async () => {
  const old = said("01.000", "hello", "long ago").replaceAll("2026-11-23", "2020-01-01");
  const now = `${JSON.stringify({ at: new Date().toISOString(), event: "x", text: "just now" })}\n`;
  await put("ship-0/a/supervisor.jsonl", old + claimed("02.000", "1").replaceAll("2026-11-23", "2020-01-01") + now);
  await put("ship-0/a/task-1-1.log", "still going\n");
  expect(await texts("--since", "1h30m")).toEqual(["ship-0 #1 | still going", "ship-0 * just now"]);
});

test("-f: growth, new files, new ships, a character that came in two halves; each line once", async () => {
  await put("ship-0/a/supervisor.jsonl", said("01.000", "hello", "one"));
  const following = ongoing("logs", "-f");
  const seen = () => following.lines().map((line) => line.slice(20));
  await until("the first", () => seen().includes("ship-0 * one"));
  await put("ship-0/a/supervisor.jsonl", said("01.000", "hello", "one") + said("02.000", "x", "two"));
  await until("the second", () => seen().includes("ship-0 * two"));
  const half = Buffer.from("ahoy €\n");
  const file = join(logs, "ship-1/b/task-3-1.log");
  await put("ship-1/b/task-3-1.log", "");
  await appendFile(file, half.subarray(0, 6));
  await put("ship-1/b/supervisor.jsonl", said("03.000", "x", "three"));
  await until("the third", () => seen().includes("ship-1 * three"));
  await appendFile(file, half.subarray(6));
  await until("the whole line", () => seen().includes("ship-1 #3 | ahoy €"));
  expect(await following.interrupt()).toBe(130);
  expect(seen()).toHaveLength(4);
});

test("-f ends when the voyage sinks, with all that came home", async () => {
  await put("ship-0/a/supervisor.jsonl", said("01.000", "hello", "one"));
  const following = ongoing("logs", "-f");
  await until("the first", () => following.lines().length === 1);
  await put("ship-0/a/task-1-1.log", "last words, without an end");
  const file = join(folder, "v", "sea", "voyage.json");
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), sunkAt: new Date().toISOString() }));
  expect(await following.ended).toBe(0);
  expect(following.lines().at(-1)?.slice(20)).toBe("ship-0 #1 | last words, without an end");
});

test("no log yet is no failure; a reader that has enough is none either", async () => {
  expect(await ocaptain("logs")).toMatchObject({ exitCode: 0, stdout: "" });
  await put("ship-0/a/task-1-1.log", "line\n".repeat(50_000));
  const following = ongoing("logs");
  following.stopReading();
  expect(await following.ended).toBe(0);
});
