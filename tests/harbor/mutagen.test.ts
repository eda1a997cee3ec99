import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../support/until.ts";
import { kinds, openHarbor, sshBin, temporaryFolder } from "./fixture.ts";

const mutagenBinary = process.env
  .PATH!.split(":")
  .map((folder) => join(folder, "mutagen"))
  .find((file) => existsSync(file));
const agents = mutagenBinary && existsSync(join(dirname(mutagenBinary), "mutagen-agents.tar.gz"));

type SyncView = { status: string; successfulCycles?: number; lastError?: string; beta: { connected: boolean } };

/** Opens a Mutagen daemon of the test's own, whose ssh enters the harbor's ships. */
async function openMutagen(harborHome: string) {
  const env = {
    ...process.env,
    MUTAGEN_DATA_DIRECTORY: temporaryFolder(),
    MUTAGEN_SSH_PATH: sshBin,
    OCAPTAIN_HARBOR_HOME: harborHome,
  };
  const mutagen = async (...args: string[]) => (await promisify(execFile)("mutagen", args, { env, timeout: 30_000 })).stdout;
  await mutagen("daemon", "start");
  onTestFinished(async () => void (await mutagen("daemon", "stop")));
  return {
    mutagen,
    view: async (name: string) =>
      JSON.parse(await mutagen("sync", "list", name, "--template", "{{json (index . 0)}}")) as SyncView,
  };
}

// An ordinary machine has Mutagen and its agents after `npm run setup`; a test of the harbor's own ssh is in
// life.test.ts.
test.for(kinds)(
  "$kind: real Mutagen syncs both ways, is cut by a freeze, wakes nothing, and reconnects by itself after a thaw",
  {
    skip: !agents,
    timeout: 120_000,
  },
  async ({ unconfined }) => {
    const { create, sh, status, sleep, home } = await openHarbor({ unconfined });
    const captain = temporaryFolder();
    mkdirSync(join(captain, "tree"));
    writeFileSync(join(captain, "tree", "from-captain"), "1");
    await create("ship-0");
    await sh("ship-0", "mkdir -p ~/tree");
    const { mutagen, view } = await openMutagen(home);
    await mutagen("sync", "create", "--name", "tree", "--mode", "two-way-safe", join(captain, "tree"), "sprite@ship-0:tree");
    await until("the first cycle", async () => (await sh("ship-0", "cat ~/tree/from-captain")).out === "1", 60_000);
    await sh("ship-0", "echo -n 2 >~/tree/from-ship");
    await until("the ship's file", () => existsSync(join(captain, "tree", "from-ship")), 60_000);

    await sleep("ship-0", "warm");
    await until("Mutagen sees it gone", async () => !(await view("tree")).beta.connected);
    writeFileSync(join(captain, "tree", "while-asleep"), "3");
    await until(
      "an attempt to reconnect",
      async () => /Connecting|Waiting to connect/i.test((await view("tree")).status),
      60_000,
    );
    expect(await status("ship-0")).toBe("warm");

    await sh("ship-0", "true");
    // By itself it tries once in 15 s (docs/adr/mutagen-over-a-freeze.md).
    await until("it reconnects by itself", async () => (await view("tree")).beta.connected, 60_000);
    await until("what changed meanwhile", async () => (await sh("ship-0", "cat ~/tree/while-asleep")).out === "3", 60_000);

    await sleep("ship-0", "cold");
    await until("Mutagen sees it gone", async () => !(await view("tree")).beta.connected);
    await sh("ship-0", "echo -n 4 >~/tree/from-ship");
    await mutagen("sync", "resume", "tree");
    expect((await view("tree")).beta.connected).toBe(true);
    await mutagen("sync", "flush", "tree");
    expect(readFileSync(join(captain, "tree", "from-ship"), "utf8")).toBe("4");
    await mutagen("sync", "terminate", "tree");
  },
);
