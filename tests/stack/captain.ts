import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { freePort } from "../../lib/base/free-port.ts";
import { mutagenHome, voyageFolder } from "../../lib/base/paths.ts";
import { stopHarbor } from "../../lib/daemons/harbor.ts";
import { stopHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import type { PlanHandSettings } from "../../lib/plan/types.ts";
import type { Spend, VoyageStatus } from "../../lib/protocol/status.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import type { TaskCounts } from "../../lib/voyage/task-files.ts";
import { diamond, type SmallTask, writePlan, writeRepo } from "../support/plan.ts";
import { pulumiEnvironment } from "../support/pulumi-environment.ts";
import { makeStack, stackState } from "../support/pulumi-stack.ts";
import { until } from "../support/until.ts";

const ROOT = resolve(import.meta.dirname, "../..");

type Config = Record<string, string | number | boolean | undefined>;
export type Captain = Awaited<ReturnType<typeof openCaptain>>;

/**
 * Opens a captain with a machine of its own: folders, harbor, helm and Pulumi backend, all under one short temporary
 * folder, with the real CLI. `close` ends what is left, by its own means, and removes the folder. With `beside`, it is
 * another stack on that captain's machine.
 */
export async function openCaptain(
  options: {
    stack?: string;
    tasks?: SmallTask[];
    /** The plan's settings of the hand claude. */
    claude?: PlanHandSettings;
    config?: Record<string, string | number | boolean>;
    beside?: { folder: string };
    /** Variables for `pulumi`, which are set besides those of every test, or in their place. */
    env?: Record<string, string>;
  } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), "oc-"));
  const stack = options.stack ?? "sea";
  if (!options.beside)
    Object.assign(process.env, {
      OCAPTAIN_HOME: join(folder, "h"),
      OCAPTAIN_VOYAGES: join(folder, "v"),
      OCAPTAIN_HELM_PORT: String(await freePort()),
    });
  const env = {
    ...pulumiEnvironment(folder),
    PULUMI_PARALLEL: "32",
    PULUMI_CONTINUE_ON_ERROR: "true",
    ...options.env,
  };
  const repo = await writeRepo(join(folder, "repo"));
  const plan = await writePlan(join(folder, "plan"), { repo, tasks: options.tasks ?? diamond(4), claude: options.claude });
  const configFile = join(folder, `Pulumi.${stack}.yaml`);

  const pulumi = (args: string[], run: { timeoutMs?: number; reject?: boolean } = {}) =>
    execa("pulumi", [...args, "--non-interactive", "--color", "never"], {
      cwd: ROOT,
      env,
      all: true,
      timeout: run.timeoutMs ?? 240_000,
      reject: run.reject ?? true,
    });
  const onStack = ["-s", stack, "--config-file", configFile];

  const config: Config = { plan, ships: 2, ...options.config };
  /**
   * Writes the whole configuration file, with what was there before and these keys, of which an undefined one is taken
   * out; the salt that the engine adds to it is made anew.
   */
  async function configure(more: Config): Promise<void> {
    Object.assign(config, more);
    const set = Object.entries(config).filter(([, value]) => value !== undefined);
    const lines = set.map(([key, value]) => `  ocaptain:${key}: ${JSON.stringify(String(value))}`);
    await writeFile(configFile, ["config:", ...lines, ""].join("\n"));
  }

  await makeStack(folder, stack);
  await configure({});

  const captain = {
    stack,
    folder,
    repo,
    plan,
    env,
    configure,
    pulumi,
    onStack,
    voyage: voyageFolder(stack),
    up: (args: string[] = [], run = {}) => pulumi(["up", "--yes", "--skip-preview", ...onStack, ...args], run),
    preview: (args: string[] = [], run = {}) => pulumi(["preview", ...onStack, ...args], run),
    destroy: (args: string[] = [], run = {}) => pulumi(["destroy", "--yes", "--skip-preview", ...onStack, ...args], run),
    /** Resolves to the stack's outputs, as the state has them. */
    outputs: async () => {
      const { resources = [] } = (await captain.state()).deployment;
      return resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs as unknown as Outputs;
    },
    /** Resolves to the state as it is on disk. */
    state: () => stackState<StateResource>(folder, stack),
    sprites: () => openSprites({ kind: "harbor" }),
    helm: () => helmClient(),
    voyageId: async () => (JSON.parse(await readFile(voyageFolder(stack).voyageFile, "utf8")) as { voyageId: string }).voyageId,
    /** Waits until the helm's status satisfies `holds`, for at most `timeoutMs`. */
    async until(what: string, holds: (status: VoyageStatus) => boolean, timeoutMs = 60_000): Promise<VoyageStatus> {
      const id = await captain.voyageId();
      let last: VoyageStatus | null = null;
      const look = async () => {
        last = await helmClient()
          .voyage(id)
          .catch(() => null);
        return last && holds(last) ? last : null;
      };
      return until(what, look, timeoutMs, { everyMs: 100, said: () => JSON.stringify(last, null, 1) });
    },
    /** Resolves to the command lines of the processes that belong to this captain's machine and contain `words`. */
    async processes(words = ""): Promise<string[]> {
      const home = process.env.OCAPTAIN_HOME as string;
      const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
      const of = async (pid: string, what: string) =>
        (await readFile(`/proc/${pid}/${what}`, "utf8").catch(() => "")).replaceAll("\0", " ");
      const lines = await Promise.all(pids.map(async (pid) => [await of(pid, "cmdline"), await of(pid, "environ")] as const));
      return lines.filter(([line, environ]) => (line + environ).includes(home) && line.includes(words)).map(([line]) => line);
    },
    async close(): Promise<void> {
      const id = await captain.voyageId().catch(() => null);
      await stopHelm().catch(() => {});
      await stopHarbor().catch(() => {});
      if (id) await execa("mutagen", ["daemon", "stop"], { env: { MUTAGEN_DATA_DIRECTORY: mutagenHome(id) }, reject: false });
      await rm(folder, { recursive: true, force: true });
    },
  };
  return captain;
}

export type StateResource = {
  urn: string;
  type: string;
  id?: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[] | null>;
};
export type Outputs = {
  summary: string;
  voyage: { id: string; state: string; repo: string; branch: string; tip: string };
  ships: { name: string; id: string; address: string; state: string; task: string | null }[];
  tasks: TaskCounts;
  spend: Spend | null;
  workspace: string;
  helm: string;
  asOf: string;
};
