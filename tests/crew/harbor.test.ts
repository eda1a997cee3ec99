import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { freePort } from "../../lib/base/free-port.ts";
import { spriteName } from "../../lib/base/naming.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { ensureHarbor, stopHarbor } from "../../lib/daemons/harbor.ts";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import { prepareRepo } from "../../lib/git/voyage-repo.ts";
import { launchCrew } from "../../lib/ship/crew-launch.ts";
import { packCrew } from "../../lib/ship/crew-pack.ts";
import { provisionArgv, provisionStdin } from "../../lib/ship/install.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { gitIn } from "../support/git.ts";
import { tempFolder } from "../support/test-ship.ts";

// The ship is a real one of the harbor: what the hand sees of its hold from inside proves that the hold was there while
// it worked.
const SEE = `node -e 'require("http").get({ socketPath: "/.sprite/api.sock", path: "/v1/tasks", headers: { host: "sprite" } }, (r) => r.pipe(process.stdout))'`;
const ID = "abc123";
const STACK = "voyage-test";
let folder: string;

afterEach(async () => {
  await stopHelm();
  await stopHarbor();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

test("on a ship of the harbor: the hold is there while the hand works and gone when the crew has ended", async () => {
  folder = tempFolder();
  process.env.OCAPTAIN_HOME = join(folder, "h");
  process.env.OCAPTAIN_VOYAGES = join(folder, "v");
  process.env.OCAPTAIN_HELM_PORT = String(await freePort());
  const repo = join(folder, "src");
  mkdirSync(repo);
  gitIn(repo, "init", "--quiet");
  gitIn(repo, "commit", "--quiet", "--allow-empty", "-m", "start");

  const { url, token } = await ensureHarbor({ latency: "none" });
  const helm = await ensureHelm();
  const sprites = await openSprites({ kind: "sprites", baseUrl: url, token });
  const at = voyageFolder(STACK);
  await prepareRepo({ folder: at, repo, branch: STACK });
  const task = { id: "1", subject: "Look at the hold", description: "", blocks: [], blockedBy: [] };
  const metadata = {
    rehearsal: `${SEE} > hold.json; id -un > who.txt; pwd >> who.txt`,
    check: "grep -q ocaptain-crew hold.json",
  };
  const plan = {
    name: "Test",
    purpose: "",
    repo: ".",
    recommendedShips: 1,
    width: 1,
    spec: "",
    verify: "grep -q ocaptain-crew hold.json",
    digest: "x",
  };
  await helm.registerVoyage(ID, {
    stack: STACK,
    folder: at.root,
    plan: { ...plan, tasks: [{ ...task, metadata }] },
    hand: "rehearsal",
    provider: { kind: "harbor", baseUrl: url, token },
    timing: { lingerSeconds: 1 },
  });

  const name = spriteName(STACK, ID, "ship-0");
  const { id: incarnation } = await sprites.create(name, ["test"]);
  const { token: shipToken } = await helm.registerShip(ID, "ship-0", incarnation);
  const helmUrl = `http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}`;
  const config = { voyageId: ID, stack: STACK, ship: "ship-0", incarnation, helmUrl, taskList: `${STACK}-tasks` };
  const files = [
    ...(await packCrew()).map((file) => ({ ...file, path: `voyage/crew/${file.path}` })),
    { path: "voyage/crew/config.json", content: JSON.stringify(config), mode: 0o600 },
    { path: "voyage/crew/token", content: shipToken, mode: 0o600 },
  ];
  const installed = await sprites.exec(name, provisionArgv(), { stdin: provisionStdin({ files, run: launchCrew }) });
  expect(installed.exitCode, installed.stderr).toBe(0);

  await expect.poll(async () => (await helm.voyage(ID)).state, { timeout: 40_000 }).toBe("verified");
  await expect.poll(async () => (await helm.ship(ID, "ship-0")).state).toBe("ended");
  expect((await sprites.exec(name, ["sh", "-c", SEE])).stdout).not.toContain("ocaptain-crew");
  expect(gitIn(at.repo, "show", `${STACK}:who.txt`)).toMatch(/\/voyage\/workspace$/);
  await sprites.remove(name);
});
