import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { knownHarbor } from "../../lib/daemons/harbor.ts";
import { claudeFolder, INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, steps } from "../support/claude/model.ts";
import { type Conversation, StandInApi, type Turn } from "../support/claude/stand-in-api.ts";
import { ancestry, type Find, finder, findInFiles, findInProcesses, type Secrets, type Seen } from "../support/planted.ts";
import { until } from "../support/until.ts";
import { type Captain, openCaptain } from "./captain.ts";

/**
 * These tests plant secrets in a voyage in which only the model is not real, and look for them wherever they could get
 * to. Each place where one is found must be in the lists below, with its reason in docs/security.md; and a test also
 * fails when one of these places no longer holds its secret.
 */
const random = () => randomBytes(24).toString("hex");
const inStack = { claudeToken: `sk-ant-api03-stack-${random()}`, spritesToken: `org/1/stack/${random()}` };
/** Nobody listens at this target's address, so that the helm tries, fails, and tells of it. */
const notify = { "a notice's URL": `notice-url-${random()}`, "a notice's key": `notice-key-${random()}` };
const inEnvironment = {
  PULUMI_CONFIG_PASSPHRASE: `passphrase-${random()}`,
  // The prior art reads this variable; here nothing does while the stack has a token of its own.
  ANTHROPIC_API_KEY: `sk-ant-api03-environment-${random()}`,
  SPRITE_TOKEN: `org/1/environment/${random()}`,
  OCAPTAIN_TAILSCALE_OAUTH_SECRET: `tskey-client-${random()}`,
  GH_TOKEN: `ghp_${random()}`,
};
const planted = { ...inStack, ...notify, ...inEnvironment };

const IN_PROCESSES = {
  "environment of pulumi and what it starts": Object.keys(planted),
  "environment of Claude Code and what it starts, on a ship": ["claudeToken"],
};
const IN_FILES = {
  "~/.ocaptain/harbor/info.json (0600)": ["the harbor's token"],
  "~/voyages/sea/helm/notify.json (0600)": Object.keys(notify),
  "a ship's ~/voyage/crew/credentials (0600)": ["claudeToken"],
  "a ship's ~/voyage/crew/token (0600)": ["a ship's token"],
  "a ship's ~/voyage/crew/gitconfig (0600)": ["a ship's token"],
};
const listed = (places: Record<string, string[]>) =>
  Object.entries(places).flatMap(([place, names]) => names.map((name) => `${place}: ${name}`));

const api = new StandInApi();
let captain: Captain;
let secrets: Secrets = planted;
const inProcesses = new Set<string>();
const printed: string[] = [];

/**
 * The owner of a process, in the words of the lists; a process that has none of these owners is named by its command
 * line.
 */
function whose(process: Seen, all: Map<number, Seen>): string {
  const line = ancestry(process, all);
  if (process.inShip) {
    // A process that Claude Code starts in the background loses its parent, but keeps this variable.
    const isClaude = line.some(({ argv, inShip }) => inShip && argv[0] === "claude") || process.environ.includes("CLAUDECODE=1");
    return isClaude ? "Claude Code and what it starts, on a ship" : `a ship's ${process.line.slice(0, 200)}`;
  }
  for (const daemon of ["/harbor/main.ts", "/helm/main.ts", "mutagen daemon run"])
    if (process.line.includes(daemon)) return daemon;
  // Pulumi's plugins end a moment after it, and then have no parent any more.
  const isPulumi = line.some(
    ({ argv, line }) => /(^|\/)pulumi$/.test(argv[0] ?? "") || /language-host|pulumi-(language|resource)-/.test(line),
  );
  return isPulumi ? "pulumi and what it starts" : process.line.slice(0, 200);
}

let known = new Map<string, string>();
const lookAtProcesses = () => {
  for (const find of findInProcesses(finder(secrets), whose, known)) inProcesses.add(find);
};

/** Looks at all processes again and again while `work` goes on. */
async function watching<T>(work: Promise<T>): Promise<T> {
  let over = false;
  const end = work.finally(() => {
    over = true;
  });
  end.catch(() => {});
  const look = () => {
    lookAtProcesses();
    return over;
  };
  await until("the end of the work", look, 280_000, { everyMs: 50 });
  return end;
}

async function pulumi(...args: string[]) {
  const run = await watching(captain.pulumi(args));
  printed.push(String(run.all));
  return run;
}

const placeOf = (path: string) =>
  path
    .replace(/^h\/harbor\/s\/[0-9a-f]+\/home\//, "a ship's ~/")
    .replace(/^h\//, "~/.ocaptain/")
    .replace(/^v\/sea\//, "~/voyages/sea/");
const inFiles = () => [...new Set<Find>(findInFiles(finder(secrets), captain.folder, placeOf))].sort();

const shipTokens = () =>
  readdirSync(join(captain.folder, "h/harbor/s")).map((id) =>
    readFileSync(join(captain.folder, "h/harbor/s", id, "home/voyage/crew/token"), "utf8").trim(),
  );

/** The number of agents that are in the middle of a tool call of the first two tasks, until `letGo` is called. */
let working = 0;
let letGo = () => {};
const free = new Promise<void>((resolve) => {
  letGo = resolve;
});
const script = async (talk: Conversation): Promise<Turn> => {
  if (talk.results.length === 1 && talk.task !== "3") {
    working++;
    await free;
  }
  return steps(
    bash(`mkdir -p out; echo ${talk.task} > out/${talk.task}; (setsid sleep 5 >/dev/null 2>&1 &)`),
    complete(talk.task),
    { text: "Done." },
  )(talk);
};

beforeAll(async () => {
  process.env.OCAPTAIN_HARBOR_TOOLS = await claudeFolder();
  process.env.ANTHROPIC_BASE_URL = (await api.start()).url;
  api.script = script;
  captain = await openCaptain({
    tasks: [{ id: "1" }, { id: "2" }, { id: "3", after: ["1", "2"] }],
    config: { hand: "claude", ships: 2 },
    env: inEnvironment,
  });
  // The tests also look at what any process leaves in the temporary folder.
  mkdirSync(join(captain.folder, "t"));
  Object.assign(captain.env, { TMPDIR: join(captain.folder, "t") });
  const target = { url: `http://127.0.0.1:9/${notify["a notice's URL"]}`, secret: notify["a notice's key"] };
  for (const [key, value] of Object.entries({ ...inStack, notify: JSON.stringify([target]) }))
    await execa("pulumi", ["config", "set", "--secret", `ocaptain:${key}`, ...captain.onStack], {
      cwd: resolve(import.meta.dirname, "../.."),
      env: captain.env,
      input: value,
    });
}, INSTALL_MS + 60_000);
afterAll(async () => {
  letGo();
  await captain?.close();
  await api.stop();
  for (const name of ["OCAPTAIN_HARBOR_TOOLS", "ANTHROPIC_BASE_URL"]) delete process.env[name];
});

test("while hands work, secrets are in the files and environments that docs/security.md names, in no other, and in no argv", async () => {
  await pulumi("up", "--yes", "--diff", ...captain.onStack);
  const [one, other] = shipTokens();
  secrets = { ...planted, "the harbor's token": knownHarbor()!.token, "a ship's token": one!, "another ship's token": other! };
  // All processes are looked at once more, for the secrets that are known since now.
  known = new Map();
  await expect.poll(() => working, { timeout: 60_000 }).toBe(2);
  lookAtProcesses();
  expect([...inProcesses].sort()).toEqual(listed(IN_PROCESSES).sort());
  const everyShip = (finds: Find[]) => [...new Set(finds.map((find) => find.replace(": another ship's", ": a ship's")))];
  expect(everyShip(inFiles())).toEqual(listed(IN_FILES).sort());
  const page = readFileSync(resolve(import.meta.dirname, "../../docs/security.md"), "utf8");
  for (const place of [...Object.keys(IN_PROCESSES), ...Object.keys(IN_FILES)]) expect(page).toContain(`| ${place} |`);
});

test("the captain's folder and ocaptain's own are the captain's alone", () => {
  for (const folder of ["h", "v/sea", "v/sea/helm"])
    expect(statSync(join(captain.folder, folder)).mode & 0o777, folder).toBe(0o700);
});

test("a stolen state holds the stack's own secrets, encrypted, and no other; without the passphrase they are not shown", async () => {
  await pulumi("stack", "output", "--json", "--show-secrets", "-s", captain.stack);
  const { stdout: state } = await pulumi("stack", "export", "-s", captain.stack);
  expect(String(state)).toContain("credentialsDigest"); // This shows that the text is a state.
  const shown = ["stack", "export", "--show-secrets", "-s", captain.stack];
  const opened = await execa("pulumi", shown, { env: captain.env });
  const provider = (JSON.parse(opened.stdout) as Awaited<ReturnType<Captain["state"]>>).deployment.resources!;
  const holding = provider.filter((one) => finder(secrets)(Buffer.from(JSON.stringify(one)), "").length > 0);
  expect(holding.map(({ type }) => type)).toEqual(["pulumi:providers:pulumi-nodejs"]);
  expect(finder(secrets)(Buffer.from(opened.stdout), "state")).toEqual(
    Object.keys({ ...inStack, ...notify }).map((name) => `state: ${name}`),
  );
  const guessed = await execa("pulumi", shown, {
    env: { ...captain.env, PULUMI_CONFIG_PASSPHRASE: "a guess" },
    all: true,
    reject: false,
  });
  expect(guessed.exitCode).not.toBe(0);
  expect(guessed.all).toContain("incorrect passphrase");
  printed.push(guessed.all);
  for (const text of printed) expect(finder(secrets)(Buffer.from(text), text.slice(0, 500))).toEqual([]);
});

test("after the voyage none is left in what came home: commits, mirrors, task files, transcripts, logs, the ledger; nor in the logs of the harbor and the helm", async () => {
  letGo();
  await watching(captain.until("verified", ({ state }) => state === "verified", 120_000));
  expect(readFileSync(join(captain.folder, "h/harbor/requests.jsonl"), "utf8")).toContain("/exec");
  await pulumi("destroy", "--yes", "--diff", ...captain.onStack);
  // A transcript comes home with the next sync, and at the latest with the ship's end.
  const { stdout } = await execa("find", [captain.folder, "-name", "*.jsonl", "-path", "*transcripts*", "-path", "*/v/sea/*"]);
  expect(stdout.split("\n").length).toBeGreaterThanOrEqual(3);
  expect(inFiles()).toEqual([]);
  expect([...inProcesses].sort()).toEqual(listed(IN_PROCESSES).sort());
  for (const text of printed) expect(finder(secrets)(Buffer.from(text), text.slice(0, 500))).toEqual([]);
});
