import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { freePort } from "../../../lib/base/free-port.ts";
import { spriteName } from "../../../lib/base/naming.ts";
import { mutagenHome, voyageFolder } from "../../../lib/base/paths.ts";
import { knownHarbor, stopHarbor } from "../../../lib/daemons/harbor.ts";
import { stopHelm } from "../../../lib/daemons/helm.ts";
import { helmClient } from "../../../lib/daemons/helm-client.ts";
import { sessionKinds } from "../../../lib/mutagen/sessions.ts";
import { voyageMutagen } from "../../../lib/mutagen/voyage.ts";
import { keepPlan, planMarks, textsDigest } from "../../../lib/plan/kept-plan.ts";
import { loadPlan } from "../../../lib/plan/load.ts";
import { withDigest } from "../../../lib/plan/sailed-plan.ts";
import type { Plan } from "../../../lib/plan/types.ts";
import { openSprites } from "../../../lib/sprites/client.ts";
import { diamond, type SmallTask, writePlan, writeRepo } from "../plan.ts";
import { holderOf } from "../processes.ts";
import { until } from "../until.ts";
import { openPort } from "./port.ts";
import { type Props, resource } from "./resource.ts";

const STACK = "quay";

/** Tasks that wait until their ship has a file `go`. */
export const gated = (...ids: string[]): SmallTask[] =>
  ids.map((id) => ({ id, run: `until [ -e "$HOME/go" ]; do sleep 0.1; done; mkdir -p out; echo ${id} > out/${id}` }));

/**
 * Opens a harbor with all else that a voyage stands on: repository, plan, the captain's folder, and a free port for the
 * helm. The muster is made; what else there is, each test makes. `close` ends every daemon.
 */
export async function openVoyage(tasks: SmallTask[] = diamond(3), helm: { port?: number } = {}) {
  const port = await openPort();
  const ashore = await mkdtemp(join(tmpdir(), "ok-"));
  process.env.OCAPTAIN_HELM_PORT = String(helm.port ?? (await freePort()));
  const repo = await writeRepo(join(ashore, "repo"));
  const planOf = (some: SmallTask[]) => readPlan(ashore, repo, some);
  const plan = await planOf(tasks);
  /** Puts a plan where the helm's resource reads it, as the program does, and gives the inputs that stand for it. */
  const keep = async (changed: Plan) => {
    const whole = withDigest(changed);
    await keepPlan(STACK, whole);
    return { ...planMarks(whole), textsDigest: textsDigest(whole) };
  };

  const common = { stack: STACK, provider: "harbor" as const };
  const muster = resource("muster", common);
  const mustered = (await muster.create()) as Props & { voyageId: string; nonce: string };
  const { voyageId, nonce } = mustered;
  const voyage = { ...common, voyageId };
  const mutagen = voyageMutagen(voyage);
  const { textsDigest: texts, ...marks } = await keep(plan);

  // It is opened in the product's own way, because the harbor may be another one by now.
  const sprites = await openSprites({ kind: "harbor" });

  return {
    faults: port.faults,
    sprites,
    stack: STACK,
    voyageId,
    folder: voyageFolder(STACK),
    repo,
    plan,
    planOf,
    keep,
    mutagen,
    muster,
    mustered,
    workspace: resource("workspace", { stack: STACK, voyageId, repo, textsDigest: texts }),
    helm: resource("helm", { ...voyage, hand: "rehearsal", ...marks, leaseSeconds: 24, lingerSeconds: 1 }),
    spriteName: (ship: string) => spriteName(STACK, voyageId, ship),
    sprite: (ship: string) =>
      resource("sprite", { ...voyage, nonce, crewDigest: "one", ship, name: spriteName(STACK, voyageId, ship) }),
    sync: (ship: string, session: string, incarnation: string) =>
      resource("mutagen-sync", { ...voyage, ship, sprite: spriteName(STACK, voyageId, ship), incarnation, session }),
    launch: (ship: string, incarnation: string) =>
      resource("tmux-launch", {
        ...voyage,
        ship,
        sprite: spriteName(STACK, voyageId, ship),
        incarnation,
        crewDigest: "one",
        helmUrl: `http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}`,
        sessions: [...sessionKinds],
      }),
    onShip: (ship: string, script: string) => sprites.exec(spriteName(STACK, voyageId, ship), ["sh", "-c", script]),
    /** Sends a ship to sleep, as half a minute without activity does. */
    async sendToSleep(ship: string, to: "warm" | "cold" = "warm"): Promise<void> {
      const { url, token } = knownHarbor() ?? { url: "", token: "" };
      const reply = await fetch(`${url}/__harbor/sprites/${spriteName(STACK, voyageId, ship)}/sleep`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ to }),
        signal: AbortSignal.timeout(10_000),
      });
      if (!reply.ok) throw new Error(`sleep: ${reply.status}`);
    },
    async killHelm(): Promise<void> {
      const { pid } = await helmClient().health();
      await kill(pid);
    },
    killSyncDaemon: async () => kill(syncDaemonPid(voyageId)),
    /**
     * Freezes the Mutagen daemon, which then takes connections and answers none, until the function that this gives is
     * called.
     */
    async freezeSyncDaemon(): Promise<() => void> {
      const pid = syncDaemonPid(voyageId);
      process.kill(pid, "SIGSTOP");
      return () => process.kill(pid, "SIGCONT");
    },
    git: async (...args: string[]) => (await execa("git", ["--git-dir", voyageFolder(STACK).repo, ...args])).stdout,
    async close(): Promise<void> {
      await mutagen.stopDaemon();
      await stopHelm();
      await stopHarbor();
      await port.close();
      delete process.env.OCAPTAIN_HELM_PORT;
      await rm(ashore, { recursive: true, force: true });
    },
  };
}

export type OpenVoyage = Awaited<ReturnType<typeof openVoyage>>;

async function readPlan(ashore: string, repo: string, tasks: SmallTask[]): Promise<Plan> {
  const folder = await writePlan(await mkdtemp(join(ashore, "plan-")), { repo, tasks });
  const loaded = await loadPlan(folder);
  if ("findings" in loaded) throw new Error(JSON.stringify(loaded.findings));
  return loaded.plan;
}

const syncDaemonPid = (voyageId: string) => holderOf(join(mutagenHome(voyageId), "daemon", "daemon.lock"));

/** Kills the running harbor, as a machine does that runs out of memory. */
export const killHarbor = () => kill(knownHarbor()?.pid ?? 0);

/**
 * Kills by SIGKILL, and waits until all threads, and so the sockets, are gone. The daemons are this process's children,
 * which reaps them.
 */
async function kill(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until(`the end of process ${pid}`, () => !existsSync(`/proc/${pid}`));
}
