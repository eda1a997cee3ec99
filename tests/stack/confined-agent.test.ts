import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spriteName } from "../../lib/base/naming.ts";
import { knownHarbor } from "../../lib/daemons/harbor.ts";
import { passphraseFile } from "../../tools/places.mjs";
import { claudeFolder, INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash } from "../support/claude/model.ts";
import { type Conversation, StandInApi, type Turn } from "../support/claude/stand-in-api.ts";
import { processesNow } from "../support/planted.ts";
import { linger, pry } from "../support/prying.ts";
import { type Captain, openCaptain } from "./captain.ts";

/**
 * The real Claude Code runs on a harbor ship of a real voyage; its model is scripted, and so the agent is a malicious
 * one.
 */
const ROOT = resolve(import.meta.dirname, "../..");
const MARK = `7${process.pid}`;
const api = new StandInApi();
let captain: Captain;
let decoy: ChildProcess;
/** The results of the tool calls that the agent on ship-0's task has made. */
let said: string[] = [];
let order: (turns: Turn[]) => void = () => {};
const orders = new Promise<Turn[]>((give) => {
  order = give;
});

beforeAll(async () => {
  process.env.OCAPTAIN_HARBOR_TOOLS = await claudeFolder();
  process.env.ANTHROPIC_BASE_URL = (await api.start()).url;
  process.env.ANTHROPIC_API_KEY = "sk-ant-api03-a-key-of-this-stack-0123456789";
  api.script = async (talk: Conversation) => {
    const turns = await orders;
    if (talk.task === "1") said = talk.results.map(({ text }) => text);
    // Task 2's agent only waits, and so does task 1's when it has carried out its orders.
    const turn = talk.task === "1" ? turns[talk.results.length] : undefined;
    return turn ?? new Promise<Turn>(() => {});
  };
  captain = await openCaptain({ tasks: [{ id: "1" }, { id: "2" }], config: { hand: "claude", ships: 2 } });
  decoy = spawn("sleep", ["1000"], { stdio: "ignore", detached: true });
}, INSTALL_MS + 60_000);
afterAll(async () => {
  decoy?.kill("SIGKILL");
  await captain?.close();
  await api.stop();
  for (const name of ["OCAPTAIN_HARBOR_TOOLS", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"]) delete process.env[name];
});

/** The homes of the ships on this machine, by the ship's name. */
function homes(): Record<string, string> {
  const folder = join(captain.folder, "h/harbor/s");
  const all = readdirSync(folder).map((id) => join(folder, id, "home"));
  return Object.fromEntries(
    all.map((home) => [JSON.parse(readFileSync(join(home, "voyage/crew/config.json"), "utf8")).ship, home]),
  );
}

test("an agent reads, lists, sees and signals nothing of the captain's or of another ship's, and its loopback says 401 to it", async () => {
  await captain.up();
  const { ships } = await captain.until("both at work", (now) => now.ships.every(({ task }) => task));
  const other = homes()[ships.find(({ task }) => task === "2")!.ship]!;
  const harbor = knownHarbor()!;
  const helm = await captain.helm().health();
  const below = (...paths: string[]) => paths.map((path) => join(captain.folder, path));
  order([
    bash(
      pry({
        paths: [
          ...below("h/harbor/info.json", "h/harbor/requests.jsonl", "h/helm/helm.log", "h/helm/voyages.json", "h/mutagen"),
          ...below(
            "v/sea/helm/ledger.sqlite",
            "v/sea/helm/credentials.json",
            "v/sea/voyage.json",
            "v/sea/repo.git/HEAD",
            "v/sea/ships",
          ),
          ...below(".pulumi/stacks/ocaptain/sea.json", "Pulumi.sea.yaml", "plan/spec.md", "repo/README.md"),
          ...[homedir(), join(ROOT, "package.json"), passphraseFile(), "/etc/shadow", other, join(other, "voyage/crew/token")],
        ],
        names: ["ledger.sqlite", "Pulumi.sea.yaml", "sea.json", "admin.sock", "requests.jsonl", "passphrase", "daemon.sock"],
        texts: [
          harbor.token,
          captain.env.PULUMI_CONFIG_PASSPHRASE,
          readFileSync(join(other, "voyage/crew/token"), "utf8").trim(),
        ],
        pids: [decoy.pid!, harbor.pid, helm.pid, process.pid],
        words: ["harbor/main.ts", "helm/main.ts", "MUTAGEN_DATA_DIRECTORY", "vitest"],
        folder: captain.folder,
        urls: [
          `${harbor.url}/v1/sprites`,
          `${harbor.url}/__harbor/shutdown`,
          `http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}/v1/ship/presence`,
        ],
      }),
    ),
    bash(linger(MARK)),
  ]);
  await expect.poll(() => said.length, { timeout: 60_000 }).toBe(2);
  expect(said).toEqual(["tried", "left"]);
  expect([decoy.exitCode, decoy.signalCode]).toEqual([null, null]);
  expect(await captain.helm().health()).toMatchObject({ pid: helm.pid });
});

test("what it leaves running, in whatever way, ends with its ship", async () => {
  const lingering = () => processesNow().filter(({ argv }) => argv.some((word) => word.startsWith(MARK)));
  expect(
    lingering()
      .map(({ argv }) => argv.at(-1))
      .sort(),
  ).toEqual(["1", "2", "3", "4", "5"].map((way) => MARK + way));
  const { ships } = await captain.until("at work", () => true);
  const sprite = spriteName(captain.stack, await captain.voyageId(), ships.find(({ task }) => task === "1")!.ship);
  await (await captain.sprites()).remove(sprite);
  expect(lingering()).toEqual([]);
});
