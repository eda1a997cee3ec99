import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort } from "../../lib/base/free-port.ts";
import { voyageFolder } from "../../lib/base/paths.ts";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import type { HelmClient } from "../../lib/daemons/helm-client.ts";
import { prepareRepo } from "../../lib/git/voyage-repo.ts";
import type { Plan, RegisterVoyage } from "../../lib/protocol/admin-api.ts";
import type { HelloReply } from "../../lib/protocol/ship-api.ts";
import type { AcceptReply, ClaimReply, Grant } from "../../lib/protocol/ship-claims.ts";
import { gitIn } from "./git.ts";

/** Makes a temporary captain: OCAPTAIN_HOME, OCAPTAIN_VOYAGES and a free port. */
export async function makeCaptain() {
  const root = mkdtempSync(join(tmpdir(), "och-"));
  process.env.OCAPTAIN_HOME = join(root, "h");
  process.env.OCAPTAIN_VOYAGES = join(root, "v");
  process.env.OCAPTAIN_HELM_PORT = String(await freePort());
  return {
    root,
    url: `http://127.0.0.1:${process.env.OCAPTAIN_HELM_PORT}`,
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export function makeSource(root: string, files: Record<string, string> = { "README.md": "hello\n" }): string {
  const source = join(root, `src-${randomUUID().slice(0, 4)}`);
  mkdirSync(source);
  gitIn(source, "init", "-q", "-b", "main");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(source, name)), { recursive: true });
    writeFileSync(join(source, name), text);
  }
  gitIn(source, "add", "-A");
  gitIn(source, "commit", "-q", "--allow-empty", "-m", "start");
  return source;
}

/** Makes a plan from ids and what blocks them, such as `{"1": [], "2": ["1"]}`. */
export function makePlan(
  graph: Record<string, string[]>,
  more: { verify?: string; metadata?: Record<string, Record<string, unknown>>; digest?: string } = {},
): Plan {
  const ids = Object.keys(graph);
  return {
    name: "Test voyage",
    purpose: "to test",
    repo: ".",
    recommendedShips: null,
    width: 1,
    spec: "# Spec",
    verify: more.verify ?? null,
    tasks: ids.map((id) => ({
      id,
      subject: `Task ${id}`,
      description: `Do ${id}`,
      blocks: ids.filter((other) => graph[other]!.includes(id)),
      blockedBy: graph[id]!,
      metadata: more.metadata?.[id] ?? {},
    })),
    digest: more.digest ?? randomUUID(),
  };
}

/** A lease lasts as long as a test on a busy machine, since such a test sends no heartbeats of its own. */
const TIMING = { leaseSeconds: 60, heartbeatSeconds: 0.3, fenceSeconds: 40, lingerSeconds: 0.2 };

/** Makes the captain's folder of a voyage with its repository prepared, and the request that registers it at a helm. */
export async function makeVoyage(source: string, stack: string, plan: Plan, more: Partial<RegisterVoyage> = {}) {
  const folder = voyageFolder(stack);
  await prepareRepo({ folder, repo: source, branch: stack });
  const register: RegisterVoyage = {
    stack,
    folder: folder.root,
    plan,
    hand: "rehearsal",
    provider: { kind: "harbor", baseUrl: "http://127.0.0.1:9", token: "none" },
    timing: TIMING,
    ...more,
  };
  return { folder, register };
}

/** Starts the captain's helm with a voyage that keeps it from ending between the tests of a file. */
export async function startLastingHelm(captain: { root: string }): Promise<HelmClient> {
  const helm = await ensureHelm();
  const keep = await makeVoyage(makeSource(captain.root), "keep", makePlan({ "1": [] }));
  await helm.registerVoyage("ffffff", keep.register);
  return helm;
}

/** A ship as the helm sees it: its calls over HTTP. */
export function ship(url: string, token: string, incarnation: string) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const raw = async (call: string, body: object) => {
    const response = await fetch(`${url}/v1/ship/${call}`, {
      method: "POST",
      headers,
      body: JSON.stringify({ requestId: randomUUID(), incarnation, ...body }),
      signal: AbortSignal.timeout(20_000),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const ok = async <T>(call: string, body: object): Promise<T> => {
    const reply = await raw(call, body);
    if (reply.status !== 200) throw new Error(`${call}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body as T;
  };
  return {
    raw,
    hello: () => ok<HelloReply>("hello", { pid: 1, node: "24", git: "2" }),
    claim: (requestId: string = randomUUID()) => ok<ClaimReply>("claim", { requestId }),
    grant: async (): Promise<Grant> => {
      const reply = await ok<ClaimReply>("claim", {});
      if (reply.kind !== "grant") throw new Error(`no grant: ${JSON.stringify(reply)}`);
      return reply.grant;
    },
    heartbeat: (claim: { task: string; epoch: number } | null = null) => raw("heartbeat", { claim }),
    accept: (grant: Grant, commit: string, more: object = {}) => raw("accept", acceptBody(grant, commit, more)),
    accepted: (grant: Grant, commit: string, more: object = {}) => ok<AcceptReply>("accept", acceptBody(grant, commit, more)),
    release: (grant: Grant, failed: boolean, reason = "because") =>
      raw("release", { task: grant.task.id, epoch: grant.epoch, reason, failed }),
    presence: async () => {
      const abort = new AbortController();
      const response = await fetch(`${url}/v1/ship/presence`, { headers, signal: abort.signal });
      const reader = response.body!.getReader();
      await reader.read();
      return {
        close: () => abort.abort(),
        next: async () => JSON.parse(new TextDecoder().decode((await reader.read()).value)) as { type: string },
      };
    },
  };
}

const acceptBody = (grant: Grant, commit: string, more: object) => ({
  task: grant.task.id,
  epoch: grant.epoch,
  commit,
  summary: "did it",
  check: null,
  seconds: 1,
  ...more,
});

/** Makes a ship's clone, with what does work in it. */
export function makeTree(root: string, url: string, voyageId: string, name: string, token: string) {
  const folder = join(root, `tree-${name}-${randomUUID().slice(0, 4)}`);
  mkdirSync(folder);
  const git = (...args: string[]) => gitIn(folder, "-c", `http.extraHeader=Authorization: Bearer ${token}`, ...args);
  git("init", "-q");
  const remote = `${url}/git/${voyageId}`;
  return {
    folder,
    git,
    remote,
    reset(tip: string) {
      git("fetch", "-q", remote, "+refs/heads/*:refs/remotes/origin/*");
      git("reset", "-q", "--hard", tip);
    },
    commit(files: Record<string, string>, message: string): string {
      for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
      git("add", "-A");
      git("commit", "-q", "--allow-empty", `--author=${name} <${name}@${voyageId}.ocaptain>`, "-m", message);
      return git("rev-parse", "HEAD");
    },
    push(commit: string, grant: Grant) {
      git("push", "-q", remote, `+${commit}:refs/ships/${name}/${grant.task.id}-${grant.epoch}`);
    },
  };
}
