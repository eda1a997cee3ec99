import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { spritePrefix } from "../../../lib/base/naming.ts";
import { ocaptainHome, voyageFolder } from "../../../lib/base/paths.ts";
import { helmClient } from "../../../lib/daemons/helm-client.ts";
import type { Plan } from "../../../lib/plan/types.ts";
import type { VoyageStatus } from "../../../lib/protocol/status.ts";
import { openSprites } from "../../../lib/sprites/client.ts";
import { followTasks } from "../../demo/follow-tasks.ts";
import { closeMachine, openHome, writeSettings } from "../../demo/machine.ts";
import type { Io } from "../../output/io.ts";
import { pulumi } from "../../pulumi/run.ts";
import { showSteps } from "../../pulumi/show-steps.ts";
import { ownProject } from "../../sail/own-project.ts";
import { endKilledRehearsals, noteRehearsal } from "./earlier.ts";
import { copyWithStandIns } from "./stand-ins.ts";

const STACK = "rehearsal";
/** The states in which nothing goes on by itself. */
const ENDED = ["verified", "failed", "done", "blocked"];
/** The longest that a rehearsal may stand still. */
const QUIET_SECONDS = 900;

/** How a rehearsal ended: what the helm said at last, which tasks were stood in for, and what of the fleet is left. */
export type Rehearsed = { began: number; status: VoyageStatus; stoodIn: ReadonlySet<string>; left: string[] };

/**
 * Sails a plan on the harbor by the hand `rehearsal`, to its end, and sinks it. All of it is in a temporary folder,
 * with a captain's home of its own: nothing of the captain's is touched, and nothing stays, also where it fails or is
 * interrupted. What one leaves that was killed, the next one ends.
 * @throws OcaptainError PULUMI, INTERRUPTED, STALLED
 */
export async function sailRehearsal(folder: string, plan: Plan, ships: number, io: Io): Promise<Rehearsed> {
  const captainHome = ocaptainHome();
  await endKilledRehearsals(captainHome);
  const scratch = await mkdtemp(join(tmpdir(), "ocaptain-rehearsal-"));
  const env = await openHome(scratch, "none");
  const forget = await noteRehearsal({ scratch, home: ocaptainHome() }, captainHome);
  try {
    const stoodIn = await copyWithStandIns(folder, join(scratch, "plan"), plan.tasks);
    const project = await ownProject(scratch);
    const settings = join(scratch, `Pulumi.${STACK}.yaml`);
    // A relative path counts from the working folder here, and would from the project's there.
    const repo = /^\.\.?(\/|$)/.test(plan.repo) ? resolve(plan.repo) : plan.repo;
    await pulumi(["stack", "init", STACK], { folder: project, env, signal: io.signal });
    await writeSettings(settings, {
      plan: join(scratch, "plan"),
      ships: String(ships),
      repo,
      hand: "rehearsal",
      provider: "harbor",
    });
    const change = (verb: "up" | "destroy", signal?: AbortSignal) =>
      pulumi([verb, "--yes", "--skip-preview", "-s", STACK, "--config-file", settings], {
        ...{ folder: project, env, signal },
        onStep: showSteps(io.steps),
      });
    let sailed: { began: number; status: VoyageStatus };
    let left: string[] = [];
    try {
      await change("up", io.signal);
      sailed = await followToEnd(io);
    } finally {
      const voyageId = await voyageIdOf();
      await change("destroy");
      if (voyageId) left = await leftOf(voyageId);
    }
    return { ...sailed, stoodIn, left };
  } finally {
    await closeMachine();
    await rm(scratch, { recursive: true, force: true });
    await forget();
  }
}

async function followToEnd(io: Io): Promise<{ began: number; status: VoyageStatus }> {
  const voyageId = (await voyageIdOf()) ?? "";
  const began = Date.now();
  const tasks = followTasks(io.steps, voyageId, { signal: io.signal, quietSeconds: QUIET_SECONDS });
  try {
    return { began, status: await tasks.until(({ state }) => ENDED.includes(state)) };
  } finally {
    await tasks.stop();
  }
}

async function voyageIdOf(): Promise<string | undefined> {
  const text = await readFile(voyageFolder(STACK).voyageFile, "utf8").catch(() => "{}");
  return (JSON.parse(text) as { voyageId?: string }).voyageId;
}

/** What a destroy has left after all: ships at the harbor, and the helm. */
async function leftOf(voyageId: string): Promise<string[]> {
  const ships = await (await openSprites({ kind: "harbor" })).list(spritePrefix(STACK, voyageId));
  const helm = await helmClient()
    .health()
    .catch(() => null);
  return [...ships.map((name) => `ship ${name}`), ...(helm ? [`the helm, pid ${helm.pid}`] : [])];
}
