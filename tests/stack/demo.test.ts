import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BIN } from "../support/ocaptain.ts";
import { writePlan, writeRepo } from "../support/plan.ts";
import { elementsOf, readStrictXml, textOf } from "../support/strict-xml.ts";

const ROOT = resolve(import.meta.dirname, "../..");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "od-"));
  await mkdir(join(folder, "t"));
  await writeRepo(join(folder, "repo"));
});
afterEach(async () => {
  // These are left only by a demo that failed the test.
  for (const { pid } of await processesWith(folder)) process.kill(pid, "SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

/**
 * Starts the demo as a shell does: in a process group of its own, which gets a Ctrl-C. `out()` is its output so far.
 */
function startDemo(args: string[], at = join(folder, "demo")) {
  const env = { ...process.env, OCAPTAIN_DEMO: at, TMPDIR: join(folder, "t") };
  const child = spawn(
    process.execPath,
    [join(ROOT, "cli/demo/main.ts"), "--latency", "none", "--repo", join(folder, "repo"), ...args],
    {
      cwd: ROOT,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  const ended = once(child, "close").then(([code]) => code as number);
  return { child, out: () => text, ended };
}

/**
 * Checks that no process of this demo runs, its temporary folders are gone, and the project's stack files are as they
 * were.
 */
async function nothingLeft(): Promise<void> {
  expect((await processesWith(folder)).map(({ line }) => line)).toEqual([]);
  expect((await readdir(join(folder, "t"))).filter((name) => /^(ocaptain|oc)-/.test(name))).toEqual([]);
  expect(await readdir(join(ROOT, "stacks"))).not.toContain("Pulumi.demo.yaml");
}

/** Finds the processes with these words in their command line or environment; `group` is the process group. */
async function processesWith(words: string): Promise<{ pid: number; line: string; group: number }[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const all = await Promise.all(
    pids.map(async (pid) => {
      const [line, environment, stat] = await Promise.all(
        ["cmdline", "environ", "stat"].map((what) => readFile(`/proc/${pid}/${what}`, "utf8").catch(() => "")),
      );
      const group = Number(stat?.replace(/^.*\) /s, "").split(" ")[2]);
      return {
        pid: Number(pid),
        line: String(line).replaceAll("\0", " "),
        group,
        ours: `${line}\0${environment}`.includes(words),
      };
    }),
  );
  return all.filter(({ ours }) => ours);
}

test("the demo sails, loses a ship, heals, delivers a report, sinks, and proves it, also in JSON", async () => {
  const { out, ended } = startDemo(["--ships", "3", "--json"]);
  expect(await ended, out()).toBe(0);
  const said = [
    "Sailing: pulumi up, 3 ships",
    /ship-\d is sunk on purpose, in the middle of task #\d+/,
    "healing: pulumi up, again",
    "verify.sh passed in a fresh checkout of",
    "a commit per task",
    /"accepted": 18/,
    "The survey",
    "report.html",
    "ships left at the provider: 0   helm: ended",
    "The report of the voyage",
    "demo-report.html",
    /"state": "verified",\s+"tasks": 18,\s+"commit": "[0-9a-f]{40}",\s+"lostOnPurpose": "ship-\d"/,
    /"left": \{\s+"ships": \[\],\s+"helm": false\s+\},\s+"error": null/,
  ];
  let rest = out();
  for (const words of said) {
    const at = rest.search(words);
    expect(at, `${words} in: ${rest}`).toBeGreaterThan(-1);
    rest = rest.slice(at);
  }
  expect(await readFile(join(folder, "demo", "report.html"), "utf8")).toMatch(/<svg[\s\S]*<\/html>/);
  const report = readStrictXml(await readFile(join(folder, "demo", "demo-report.html"), "utf8"));
  const [lost] = /ship-\d(?= is sunk on purpose)/.exec(out()) ?? [];
  const lanes = elementsOf(report).map(({ attributes }) => attributes["aria-label"]);
  expect(lanes).toContainEqual(expect.stringMatching(`^${lost}: .*came back as new 1 time`));
  expect(textOf(report)).toMatch(
    /18 tasks were delivered by .*, as 18 commits on branch demo\. .*verify\.sh passed at [0-9a-f]{8}\./,
  );
  expect(textOf(report), "the lines that commits change").toMatch(/The branch changes \+\d+ −\d+ \d+ files/);
  await nothingLeft();
});

test("Ctrl-C in the middle: what was made is sunk, status 130, nothing left", async () => {
  const { child, out, ended } = startDemo(["--ships", "2"]);
  await expect.poll(() => out(), { timeout: 60_000 }).toContain("ship-0");
  // The engine gives up what it is doing at a second signal, so it must get only the demo's, and not the terminal's
  // too.
  const engine = (await processesWith(folder)).find(({ line }) => /^\S*pulumi up /.test(line));
  expect(engine?.group).toEqual(expect.any(Number));
  expect(engine?.group).not.toBe(child.pid);
  process.kill(-child.pid!, "SIGINT");
  expect(await ended, out()).toBe(130);
  expect(out()).toMatch(/Interrupted\.[\s\S]*Sinking[\s\S]*ships left at the provider: 0 {3}helm: ended/);
  await nothingLeft();
});

test("a folder with something else in it is not emptied", async () => {
  await writeFile(join(folder, "mine"), "mine");
  const { out, ended } = startDemo([], folder);
  expect(await ended).toBe(1);
  expect(out()).toMatch(/no earlier demonstration[\s\S]*OCAPTAIN_DEMO/);
  expect(await readFile(join(folder, "mine"), "utf8")).toBe("mine");
});

const rehearse = (plan: string, ...more: string[]) =>
  execa(BIN, ["plan", "rehearse", plan, "-n", "1", ...more], {
    env: { OCAPTAIN_HOME: join(folder, "h"), OCAPTAIN_VOYAGES: join(folder, "v"), TMPDIR: join(folder, "t") },
    cwd: folder,
    reject: false,
    stdin: "ignore",
  });

async function noRehearsalLeft(): Promise<void> {
  expect((await readdir(folder)).sort()).toEqual(["h", "plan", "repo", "t"]);
  expect(await readdir(join(folder, "h"))).toEqual([]);
  await nothingLeft();
}

test("a plan is rehearsed in a voyage of its own: who did what, what was stood in for, and nothing of it stays", async () => {
  const plan = await writePlan(join(folder, "plan"), {
    repo: join(folder, "repo"),
    tasks: [
      { id: "1", run: "echo one > one.txt", metadata: { check: "test -s one.txt" } },
      { id: "2", after: ["1"], metadata: { check: "test -s what-a-model-would-make.txt" } },
    ],
    verify: "#!/bin/sh\ntest -s one.txt\n",
  });
  const { stdout, stderr, exitCode } = await rehearse(plan, "--json");
  expect(exitCode, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ plan: "small", ships: 1, ok: true, state: "verified", verify: "passed", faults: [] },
    tasks: [
      { id: "1", status: "accepted", ship: "ship-0", stoodIn: false, check: "passed" },
      { id: "2", status: "accepted", ship: "ship-0", stoodIn: true, check: "not run" },
    ],
  });
  await noRehearsalLeft();
});

test("Ctrl-C ends a rehearsal with status 130: what was made is sunk, and nothing of it stays", async () => {
  const tasks = [{ id: "1", run: "touch began; sleep 600", metadata: { check: "false" } }];
  const plan = await writePlan(join(folder, "plan"), { repo: join(folder, "repo"), tasks });
  const rehearsal = rehearse(plan);
  let said = "";
  rehearsal.stderr.on("data", (chunk) => (said += chunk));
  await expect.poll(() => said, { timeout: 60_000 }).toContain("ship-0");
  rehearsal.kill("SIGINT");
  expect((await rehearsal).exitCode, said).toBe(130);
  await noRehearsalLeft();
});
