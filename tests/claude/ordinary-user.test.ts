import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { runningHarbor } from "../../lib/daemons/harbor.ts";
import { caller } from "../harbor/fixture.ts";
import { AS_NOBODY, anyUsersNode, linkOrCopy, NOBODY } from "../support/any-users-node.ts";
import { claudeFolder, INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash } from "../support/claude/model.ts";
import { StandInApi } from "../support/claude/stand-in-api.ts";
import { processesNow } from "../support/planted.ts";
import { linger, pry } from "../support/prying.ts";

const MARK = `8${process.pid}`;

// tests/stack/confined-agent.test.ts shows this of whoever runs the tests; here, where root runs them, it is shown of a
// user without privileges.
test("on a harbor of an ordinary user an agent is confined as well, and what it leaves running ends with its ship", {
  skip: process.getuid!() !== 0,
  timeout: INSTALL_MS + 60_000,
}, async () => {
  const home = mkdtempSync(join(tmpdir(), "oc-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  writeFileSync(join(home, "diary"), "the captain's own words, not to be read");
  for (const path of [home, join(home, "diary")]) chownSync(path, NOBODY, NOBODY);
  chmodSync(home, 0o700);
  vi.stubEnv("OCAPTAIN_HOME", join(home, "h"));
  const api = await new StandInApi().start();
  onTestFinished(() => api.stop());

  const main = fileURLToPath(new URL("../../harbor/main.ts", import.meta.url));
  const env = { PATH: process.env.PATH, HOME: home, OCAPTAIN_HOME: join(home, "h"), OCAPTAIN_HARBOR_TOOLS: join(home, "tools") };
  // Only the user who runs the tests may read their cache.
  mkdirSync(env.OCAPTAIN_HARBOR_TOOLS);
  linkOrCopy(join(await claudeFolder(), "claude"), join(env.OCAPTAIN_HARBOR_TOOLS, "claude"));
  const harbor = spawn("setpriv", [...AS_NOBODY, anyUsersNode(home), main], { env, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    harbor.kill("SIGTERM");
    if (harbor.exitCode === null && harbor.signalCode === null) await once(harbor, "exit");
    vi.unstubAllEnvs();
  });
  const decoy = spawn("setpriv", [...AS_NOBODY, "sleep", "1000"], { stdio: "ignore" });
  onTestFinished(() => void decoy.kill("SIGKILL"));
  await once(harbor.stdout!, "data");
  const { url, token } = (await runningHarbor())!;
  const { create, sh, call } = caller(url, token);
  await create("bad");
  await create("good");
  await sh("good", "echo kept by another ship >~/kept");
  const kept = readdirSync(join(home, "h/harbor/s"))
    .map((id) => join(home, "h/harbor/s", id, "home/kept"))
    .find((path) => existsSync(path))!;

  const prey = pry({
    paths: [join(home, "diary"), join(home, "h/harbor/info.json"), kept, homedir(), "/etc/shadow"],
    names: ["diary", "info.json", "requests.jsonl", "kept"],
    texts: ["the captain's own words", "kept by another ship", token],
    pids: [decoy.pid!, harbor.pid!],
    words: ["harbor/main.ts", "vitest"],
    folder: home,
    urls: [`${url}/v1/sprites`],
  });
  const turns = [bash(prey), bash(linger(MARK))];
  let said: string[] = [];
  api.script = ({ results }) => {
    said = results.map(({ text }) => text);
    return turns[results.length] ?? { text: "That was all." };
  };
  const claude = "claude -p --model opus --dangerously-skip-permissions 'Pry.' 2>&1";
  const ran = await sh("bad", `ANTHROPIC_BASE_URL=${api.url} ANTHROPIC_API_KEY=sk-ant-api03-of-nobody ${claude}`, "", 60_000);
  expect(ran).toEqual({ code: 0, out: "That was all.\n", err: "", status: 200 });
  expect(said).toEqual(["tried", "left"]);
  expect([decoy.exitCode, decoy.signalCode]).toEqual([null, null]);
  expect(readFileSync(join(home, "diary"), "utf8")).toBe("the captain's own words, not to be read");

  const lingering = () => processesNow().filter(({ argv }) => argv.some((word) => word.startsWith(MARK)));
  expect(lingering().length).toBeGreaterThan(0);
  expect((await call("DELETE", "/v1/sprites/bad")).status).toBe(204);
  expect(lingering()).toEqual([]);
  await call("DELETE", "/v1/sprites/good");
});
