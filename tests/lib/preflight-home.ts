import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, vi } from "vitest";
import { addFollowUp } from "../../helm/ledger/follow-ups.ts";
import { Ledger } from "../../helm/ledger/ledger.ts";
import { applyPlan } from "../../helm/ledger/plan-changes.ts";
import { Store } from "../../helm/ledger/store.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { prepareRepo } from "../../lib/git/voyage-repo.ts";
import { loadPlan } from "../../lib/plan/load.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { writeVoyageIdentity } from "../../lib/voyage/identity.ts";
import { writeRepo } from "../support/plan.ts";

/** The folder of the test that runs, with the captain's homes in it. It is made anew for each test. */
export let root: string;
/** The servers of the test that runs, which end with it. */
export const servers: Server[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pf-"));
  vi.stubEnv("OCAPTAIN_HOME", join(root, "home"));
  vi.stubEnv("OCAPTAIN_VOYAGES", join(root, "voyages"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
  await rm(root, { recursive: true, force: true });
});

/** Has a server listen until the test ends, and gives its port. */
export async function listen(server: Server, at: { path: string } | { port: number; host: string }): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(at, done));
  return (server.address() as AddressInfo).port;
}

/** Writes a plan folder with one task, and a repository, both in the temporary root. */
export async function writePlan(): Promise<{ plan: string; repo: string }> {
  const [plan, repo] = [join(root, "plan"), join(root, "repo.git")];
  await mkdir(join(plan, "tasks"), { recursive: true });
  await writeFile(join(plan, "spec.md"), "# Try it");
  await writeFile(join(plan, "voyage.json"), JSON.stringify({ name: "try", repo, recommended_ships: 4 }));
  const task = { id: "1", subject: "s", description: "d", status: "pending", blocks: [], blockedBy: [] };
  await writeFile(join(plan, "tasks", "1.json"), JSON.stringify(task));
  await execa("git", ["init", "--bare", "--quiet", repo]);
  return { plan, repo };
}

/**
 * Makes a voyage's folder as it is when a plan has sailed there: two tasks are done, and the repository has a history
 * of its own.
 */
export async function sunkVoyage(
  stack: string,
  plan: string,
  { isOld, followUps = [], ...more }: { sunkAt?: string; isOld?: boolean; followUps?: string[] } = { sunkAt: "2026-01-02" },
) {
  const repo = await writeRepo(join(root, "code"));
  await writeFile(join(plan, "voyage.json"), JSON.stringify({ name: "try", repo }));
  const folder = voyageFolder(stack);
  await prepareRepo({ folder, repo, branch: stack });
  const voyage = { voyageId: "3fa9c1", stack, captainId: await captainId(), nonce: "n", createdAt: "2026-01-01" };
  await writeVoyageIdentity({ ...voyage, ...more });
  const loaded = await loadPlan(plan);
  if ("findings" in loaded) throw new Error(JSON.stringify(loaded.findings));
  const ledger = new Ledger(new Store(folder.ledger, { sync: "off" }), () => 0);
  await ledger.store.write(() => {
    ledger.setMeta("name", "try");
    if (!isOld) {
      ledger.setMeta("plan", JSON.stringify(loaded.plan));
      ledger.setMeta("planFolder", plan);
    }
    applyPlan(ledger, loaded.plan);
    ledger.store.run("UPDATE tasks SET status = 'accepted', epoch = 1");
    for (const subject of followUps) addFollowUp(ledger, { subject, description: "d" });
  });
  ledger.store.close();
  return { repo, folder };
}
