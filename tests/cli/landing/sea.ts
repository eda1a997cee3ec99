import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { landVoyage } from "../../../cli/landing/land/land.ts";
import { type LandOptions, readOptions } from "../../../cli/landing/land/options.ts";
import { parts } from "../../../cli/landing/land/parts.ts";
import { ensureHelm, stopHelm } from "../../../lib/daemons/helm.ts";
import { knownVoyage } from "../../../lib/watch/known.ts";
import { gitIn } from "../../support/git.ts";
import { makeCaptain, makePlan, makeSource, makeTree, makeVoyage, ship } from "../../support/helm-voyage.ts";
import { listen } from "../../support/spoken.ts";
import { until } from "../../support/until.ts";

export const STACK = "voyage-quay";
export const ID = "abc123";

/**
 * Opens a voyage at a real helm, with a ship that the test itself plays, whose repository came from a bare repository
 * on this machine: the server to which it lands.
 */
export async function openSea(
  graph: Record<string, string[]>,
  more: { verify?: string | null; files?: Record<string, string> } = {},
) {
  const captain = await makeCaptain();
  const { root } = captain;
  // The captain's own configuration, as far as a test says it.
  process.env.GIT_CONFIG_GLOBAL = join(root, "gitconfig");
  writeFileSync(process.env.GIT_CONFIG_GLOBAL, "[user]\n\tname = Ann Ahoy\n\temail = ann@sea.example\n");
  const helm = await ensureHelm();
  const work = makeSource(root, more.files);
  const server = join(root, "server.git");
  gitIn(root, "clone", "-q", "--bare", work, server);
  gitIn(work, "remote", "add", "origin", server);
  const verify = more.verify === undefined ? "exit 0\n" : more.verify;
  const { folder, register } = await makeVoyage(server, STACK, makePlan(graph, verify === null ? {} : { verify }), {
    timing: { leaseSeconds: 600, heartbeatSeconds: 60, fenceSeconds: 400, lingerSeconds: 0.2 },
  });
  mkdirSync(folder.root, { recursive: true });
  const file = { voyageId: ID, stack: STACK, captainId: "c", nonce: "n", createdAt: "2026-11-28T00:00:00Z" };
  const say = (address: string) =>
    writeFileSync(folder.voyageFile, JSON.stringify({ ...file, repository: { address, roots: [] } }));
  say(server);
  await helm.registerVoyage(ID, register);
  const { token } = await helm.registerShip(ID, "ship-0", "vm-0");
  const call = ship(captain.url, token, "vm-0");
  const tree = makeTree(root, captain.url, ID, "ship-0", token);
  await call.hello();

  /** Does the next task, which writes these files. */
  const does = async (files: (task: string) => Record<string, string>) => {
    const grant = await call.grant();
    tree.reset(grant.tip);
    const commit = tree.commit(files(grant.task.id), `Do ${grant.task.id}`);
    tree.push(commit, grant);
    await call.accepted(grant, commit, { check: { exitCode: 0, output: "" } });
    return grant;
  };
  const verifies = async (exitCode = 0, output = "all is well\n") => {
    // The helm looks from time to time whether somebody has moved the branch.
    const reply = await until("verify.sh is to run", async () => {
      const asked = await call.claim();
      return asked.kind === "verify" ? asked : null;
    });
    await call.raw("verified", { epoch: reply.epoch, commit: reply.commit, exitCode, output, seconds: 1 });
    return reply.commit;
  };
  return {
    ...{ root, helm, work, server, folder, call, tree, does, verifies, say },
    tip: () => gitIn(folder.repo, "rev-parse", `refs/heads/${STACK}`),
    /** The parents of the tip. */
    parents: () => gitIn(folder.repo, "log", "-1", "--format=%P", `refs/heads/${STACK}`).split(" "),
    /** All tasks are done, each with a file of its own, and verified. */
    async sails(): Promise<string> {
      for (const _ of Object.keys(graph)) await does((task) => ({ [`${task}.txt`]: `${task}\n` }));
      return verifies();
    },
    /** Somebody else commits to a branch of the server. */
    pushes(files: Record<string, string>, branch = "main"): string {
      gitIn(work, "fetch", "-q", "origin");
      gitIn(work, "checkout", "-q", "-B", branch, `origin/${branch}`);
      for (const [name, text] of Object.entries(files)) writeFileSync(join(work, name), text);
      gitIn(work, "add", "-A");
      gitIn(work, "commit", "-q", "-m", `Change ${Object.keys(files).join(" ")}`);
      gitIn(work, "push", "-q", "origin", branch);
      return gitIn(work, "rev-parse", "HEAD");
    },
    at: (branch: string) => gitIn(server, "rev-parse", "--verify", `refs/heads/${branch}`),
    branches: () => gitIn(server, "for-each-ref", "--format=%(refname:short)", "refs/heads").split("\n"),
    async lands(options: LandOptions = {}, others: Partial<ReturnType<typeof parts>> = {}) {
      const heard = listen();
      const voyage = await knownVoyage(STACK);
      const ask = readOptions({ yes: true, ...options });
      const result = await landVoyage(voyage, ask, { ...parts(voyage, ask.allowed, heard.io), ...others }, heard.io);
      return { result, notes: heard.notes };
    },
    async close(): Promise<void> {
      await stopHelm();
      delete process.env.GIT_CONFIG_GLOBAL;
      captain.remove();
    },
  };
}

export type Sea = Awaited<ReturnType<typeof openSea>>;
