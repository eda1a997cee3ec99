import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { OcaptainError } from "../lib/base/errors.ts";
import { STACK } from "./machine.ts";

export const PROJECT = resolve(import.meta.dirname, "..");
const FLOOR = join(import.meta.dirname, "floor");
const LONGEST_MS = 5 * 60_000;

/**
 * What one command took, in milliseconds: by the clock, and by the processor for it and all that it started and waited
 * for (so not for daemons).
 */
export type Cost = { ms: number; cpuMs: number };
export type Stack = { up(args?: readonly string[]): Promise<Cost>; destroy(): Promise<Cost> };

/** Opens the floor's stack, with a backend of its own in `folder`. */
export const floorStack = (folder: string, ships: number, signal: AbortSignal) =>
  openStack({ folder, cwd: FLOOR, stackFiles: FLOOR, config: { "ocaptain-floor:ships": String(ships) } }, signal);

/** Opens a voyage's stack, with a backend of its own in `folder`. @param more  further settings of its configuration */
export const voyageStack = (
  folder: string,
  plan: string,
  ships: number,
  signal: AbortSignal,
  more: Record<string, string> = {},
) =>
  openStack(
    {
      folder,
      cwd: PROJECT,
      stackFiles: join(PROJECT, "stacks"),
      config: { "ocaptain:plan": plan, "ocaptain:ships": String(ships), ...more },
    },
    signal,
  );

async function openStack(
  of: { folder: string; cwd: string; stackFiles: string; config: Record<string, string> },
  signal: AbortSignal,
): Promise<Stack> {
  const configFile = join(of.folder, `Pulumi.${STACK}.yaml`);
  const env = {
    PULUMI_BACKEND_URL: `file://${of.folder}`,
    PULUMI_HOME: join(of.folder, "p"),
    PULUMI_CONFIG_PASSPHRASE: "nothing secret is in this stack",
  };
  const pulumi = async (args: readonly string[]) => {
    signal.throwIfAborted();
    const [started, startedCpu] = [performance.now(), childrenCpuMs()];
    const result = await execa("pulumi", [...args, "--non-interactive", "--color", "never"], {
      cwd: of.cwd,
      env,
      all: true,
      reject: false,
      timeout: LONGEST_MS,
      // Ctrl-C reaches a whole process group, and a second signal makes the engine drop what it is doing: it gets ours
      // only.
      detached: true,
      cancelSignal: signal,
      killSignal: "SIGINT",
      forceKillAfterDelay: 30_000,
    });
    signal.throwIfAborted();
    if (result.exitCode !== 0)
      throw new OcaptainError("PULUMI", `pulumi ${args[0]} failed in ${of.cwd}:\n${String(result.all).trim().slice(-3000)}`);
    return { ms: performance.now() - started, cpuMs: childrenCpuMs() - startedCpu };
  };
  // `stack init` knows no --config-file, and leaves a file with a salt among the project's stack files.
  await pulumi(["stack", "init", STACK]).finally(() => rm(join(of.stackFiles, `Pulumi.${STACK}.yaml`), { force: true }));
  const lines = Object.entries(of.config).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
  await writeFile(configFile, ["config:", ...lines, ""].join("\n"));
  const change = (verb: string, args: readonly string[] = []) =>
    pulumi([verb, "--yes", "--skip-preview", "-s", STACK, "--config-file", configFile, ...args]);
  return { up: (args) => change("up", args), destroy: () => change("destroy") };
}

/**
 * The processor time of all children of this process that have ended, and of theirs (proc(5): cutime and cstime, in
 * hundredths of a second).
 */
function childrenCpuMs(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}
