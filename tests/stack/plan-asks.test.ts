import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { claudeFolder, INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, steps } from "../support/claude/model.ts";
import { StandInApi } from "../support/claude/stand-in-api.ts";
import { type Captain, openCaptain } from "./captain.ts";

/**
 * The captain's GH_TOKEN; the tests are about what a plan asks for its ships, `network` and `github`. Engine, harbor
 * ships and Claude Code are real; the Messages API is a stand-in.
 */
const TOKEN = "ghp_a-token-of-this-captain-0123456789";
const OTHER = "ghp_another-token-of-this-captain-9876543210";
const NAMES = ["OCAPTAIN_HARBOR_TOOLS", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "GH_TOKEN"];
const api = new StandInApi();
let captain: Captain;
beforeAll(async () => {
  process.env.OCAPTAIN_HARBOR_TOOLS = await claudeFolder();
  await api.start();
  process.env.ANTHROPIC_BASE_URL = api.url;
  process.env.ANTHROPIC_API_KEY = "sk-ant-api03-a-key-of-this-stack-0123456789";
  process.env.GH_TOKEN = TOKEN;
  // The check runs beside the hand, in an environment without the hand's secrets.
  const metadata = { check: '[ -z "$GH_TOKEN" ]', rehearsal: "true" };
  captain = await openCaptain({
    tasks: ["1", "2"].map((id) => ({ id, metadata, ...(id === "2" && { after: ["1"] }) })),
    config: { hand: "claude", ships: 1, leaseSeconds: 24 },
  });
}, INSTALL_MS + 60_000);
afterAll(async () => {
  await captain?.close();
  await api.stop();
  for (const name of NAMES) delete process.env[name];
});

async function asks(more: object): Promise<void> {
  const file = join(captain.plan, "voyage.json");
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), ...more }));
}
const ship = async () => {
  const sprites = await captain.sprites();
  const [name] = await sprites.list("sea-");
  return { name: name!, sprites };
};
/** Resolves to the files and processes on the ship that hold the secret. */
async function held(secret: string): Promise<string[]> {
  const { name, sprites } = await ship();
  const script = 'grep -rlsF -f - "$HOME" /tmp /proc/[0-9]*/environ /proc/[0-9]*/cmdline; true';
  const { stdout } = await sprites.exec(name, ["sh", "-c", script], { stdin: secret });
  return stdout.split("\n").filter(Boolean);
}
const rules = async () => {
  const { name, sprites } = await ship();
  return sprites.networkPolicy(name);
};

test("the policy is there when the credentials come; GH_TOKEN, which nobody asked for, is nowhere on the ship", async () => {
  api.script = steps({ delayMs: 600_000, text: "Later." });
  await asks({ network: { allow: ["*.npmjs.org"] } });
  await captain.up();
  expect(await rules()).toEqual([
    { domain: "*.npmjs.org", action: "allow" },
    { domain: "*", action: "deny" },
  ]);
  const log = await readFile(join(process.env.OCAPTAIN_HOME!, "harbor/requests.jsonl"), "utf8");
  const { name } = await ship();
  const calls = log
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { method: string; path: string })
    .filter(({ method, path }) => method === "POST" && path.includes(name))
    .map(({ path }) => path.split("?")[0]!.split("/").slice(4).join("/"));
  expect(calls[0]).toBe("policy/network");
  expect(calls).toContain("exec");
  await expect.poll(() => api.calls.length, { timeout: 60_000 }).toBeGreaterThan(0);
  expect(await held(TOKEN)).toEqual([]);
  expect(await held("sk-ant-api03-a-key-of-this-stack")).toContainEqual(expect.stringMatching(/environ$/));
});

test("another network is an update of the same VM, shown in preview", async () => {
  const { id } = (await captain.outputs()).ships[0]!;
  await asks({ network: { allow: ["*.npmjs.org", "pypi.org"] } });
  const preview = await captain.preview(["--diff"]);
  expect(String(preview.stdout)).toMatch(/ocaptain:Sprite[\s\S]*\[1\]: "pypi\.org"/);
  await captain.up();
  expect(await rules()).toContainEqual({ domain: "pypi.org", action: "allow" });
  expect((await captain.outputs()).ships[0]!.id).toBe(id);
});

test("a plan without a network lets everything through again; github: true brings it to the hand alone, by the 0600 file; another token is an update; it is in no state", async () => {
  await asks({ network: undefined, github: true });
  expect((await captain.up()).all).toContain("this plan brings your GH_TOKEN to its ships");
  expect(await rules()).toEqual([]);
  expect(await held(TOKEN)).toEqual(["/home/sprite/voyage/crew/credentials"]);
  process.env.GH_TOKEN = OTHER;
  expect(String((await captain.up()).stdout)).toMatch(/~ 1 updated/);
  expect(await held(TOKEN)).toEqual([]);
  const { name, sprites } = await ship();
  const mode = await sprites.exec(name, ["sh", "-c", 'stat -c %a "$HOME/voyage/crew/credentials"']);
  expect(mode.stdout.trim()).toBe("600");
  // The session at work has no token yet; the next session, which a released task begins, has it.
  api.script = (talk) =>
    steps(bash(`mkdir -p out; printenv GH_TOKEN | wc -c > out/${talk.task}`), complete(talk.task), { text: "Done." })(talk);
  const id = await captain.voyageId();
  await captain.helm().releaseTask(id, "1", "for another session");
  await captain.up(); // The release has fenced the ship.
  await captain.until("done", (now) => now.tasks.every((task) => task.status === "accepted"), 120_000);
  const shown = await execa("git", ["--git-dir", captain.voyage.repo, "show", `${captain.stack}:out/2`]);
  expect(Number(shown.stdout)).toBe(OTHER.length + 1);
  const state = JSON.stringify(await captain.state());
  expect(state).not.toContain(OTHER);
  const found = await execa("grep", ["-rlF", OTHER, captain.folder], { reject: false });
  const places = String(found.stdout).split("\n").filter(Boolean);
  expect(places).toEqual([expect.stringMatching(/\/h\/harbor\/s\/[0-9a-f]+\/home\/voyage\/crew\/credentials$/)]);
});

test("taken out of the plan, it is taken from the ship; up again changes nothing", async () => {
  await asks({ github: false });
  await captain.up();
  expect(await held(OTHER)).toEqual([]);
  await captain.up(["--expect-no-changes"]);
  await captain.destroy();
});
