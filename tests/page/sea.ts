import { randomUUID } from "node:crypto";
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ensureHelm, stopHelm } from "../../lib/daemons/helm.ts";
import type { RegisterVoyage } from "../../lib/protocol/admin-api.ts";
import type { Grant } from "../../lib/protocol/ship-claims.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship } from "../support/helm-voyage.ts";

export const ID = "abc123";
const SLOW = { leaseSeconds: 600, heartbeatSeconds: 60, fenceSeconds: 450, lingerSeconds: 5 };
export type Sea = Awaited<ReturnType<typeof openSea>>;

type More = Partial<RegisterVoyage> & { stack?: string; name?: string; subjects?: Record<string, string> };

/**
 * Opens a captain with a real helm, which serves the page, and a voyage of this graph whose ships the test plays. The
 * hand is `claude`, so that there is something to ask and to spend.
 */
export async function openSea(graph: Record<string, string[]>, { stack = "sea", name, subjects = {}, ...more }: More = {}) {
  const captain = await makeCaptain();
  let helm = await ensureHelm();
  const plan = makePlan(graph);
  const tasks = plan.tasks.map((task) => ({ ...task, subject: subjects[task.id] ?? task.subject }));
  const { folder, register } = await makeVoyage(
    makeSource(captain.root),
    stack,
    { ...plan, name: name ?? plan.name, tasks },
    { hand: "claude", timing: SLOW, ...more },
  );
  await writeVoyageIdentity({
    voyageId: ID,
    stack,
    captainId: "0123456789ab",
    nonce: "n",
    createdAt: new Date(Date.now() - 3600_000).toISOString(),
  });
  await helm.registerVoyage(ID, register);

  const sea = {
    captain,
    folder,
    register,
    helm: () => helm,
    /** A first address of the page, good for one browser. */
    url: async () => (await helm.openPage({})).url,
    /** Starts the helm anew after it was killed or stopped. */
    async restart() {
      helm = await ensureHelm();
    },
    async kill() {
      const { pid } = await helm.health();
      process.kill(pid, "SIGKILL");
    },
    /** A ship whose hand is proven. */
    async come(shipName: string, incarnation = `vm-${shipName}`) {
      const { token } = await helm.registerShip(ID, shipName, incarnation);
      const call = ship(captain.url, token, incarnation);
      await call.hello();
      await call.raw("trial", { fit: true, message: "" });
      const held = ({ task, epoch }: Grant) => ({ task: task.id, epoch });
      return {
        ...call,
        tree: () => makeTree(captain.root, captain.url, ID, shipName, token),
        note: (grant: Grant, note: string) => call.raw("heartbeat", { claim: held(grant), note }),
        ask: (grant: Grant, question: string) => call.raw("ask", { ...held(grant), question }),
        async spend(grant: Grant, costUsd: number) {
          const session = randomUUID();
          await call.raw("session", { ...held(grant), session });
          const usage = {
            costUsd,
            inputTokens: 4000,
            outputTokens: 900,
            cacheReadTokens: 120_000,
            cacheCreationTokens: 3000,
            turns: 7,
            seconds: 41,
          };
          return call.raw("usage", { ...held(grant), session, run: randomUUID(), usage });
        },
        /** Writes lines into the ship's log, as its sync brings them home. */
        log(lines: string[], file = "task-1-1.log") {
          const at = join(folder.logs, shipName, incarnation);
          mkdirSync(at, { recursive: true });
          appendFileSync(join(at, file), `${lines.join("\n")}\n`);
        },
      };
    },
    async close() {
      await stopHelm();
      captain.remove();
    },
  };
  return sea;
}
