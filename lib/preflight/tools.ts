import type { PreflightFinding } from "../base/finding.ts";
import { PROJECT } from "../base/program-file.ts";
import { runProgram } from "../base/run-program.ts";
import { loadCommand, setUpCommand } from "../base/set-up-command.ts";
import { harborKindProblem } from "../daemons/harbor.ts";
import type { Check } from "./check.ts";
import { confinementProblem } from "./confinement.ts";

/** A program on the captain's PATH, and what it must be. Versions are compared number by number. */
export type Tool = {
  name: string;
  args: readonly string[];
  /** The least version: `2.38`. */
  least: string;
  /** The first version that is known not to do. */
  below?: string;
  why: string;
  /** What a person without it can do. */
  otherwise?: string;
};

const WITHOUT = "give up confinement: pulumi config set ocaptain:unconfined true";

export const tools = {
  git: { name: "git", args: ["--version"], least: "2.38", why: "merge-tree --write-tree" },
  // Mutagen's agent on the ships must be of the same version, and comes with the set-up.
  mutagen: { name: "mutagen", args: ["version"], least: "0.18", below: "0.19", why: "the syncs" },
  tmux: { name: "tmux", args: ["-V"], least: "3.0", why: "the crew on harbor ships, which share this system's programs" },
  bwrap: { name: "bwrap", args: ["--version"], least: "0.4", why: "the confinement of harbor ships", otherwise: WITHOUT },
  // For `ocaptain doctor`: preflight runs below Pulumi, and need not ask for it.
  pulumi: { name: "pulumi", args: ["version"], least: "3.259", why: "sailing and sinking" },
} satisfies Record<string, Tool>;

/** Needed by voyages with a tailnet alone. */
export const sshTool: Tool = {
  name: "ssh",
  args: ["-V"],
  least: "7.6",
  why: "the way to ships in a tailnet",
  otherwise: "install OpenSSH's client",
};

const SETUP = `${setUpCommand()} && ${loadCommand()}`;
const RUN_MS = 5_000;

/** Checks that a program is on PATH, and new enough. */
export function toolCheck(tool: Tool): Check {
  return { what: tool.name, look: async () => (await readTool(tool)).findings };
}

/**
 * Reads a program's version, null where it does not tell one, and finds what is wrong with it. `path`: another PATH
 * than this process's.
 */
export async function readTool(
  { name, args, least, below, why, otherwise }: Tool,
  path = process.env.PATH,
): Promise<{ version: string | null; findings: PreflightFinding[] }> {
  const bad = (message: string, version: string | null = null) => ({
    version,
    findings: [{ what: name, message: `${message} (for ${why})`, hint: otherwise ? `${SETUP}; or ${otherwise}` : SETUP }],
  });
  const wanted = below ? `${least} or later, below ${below},` : `${least} or later`;
  const result = await runProgram(name, args, { timeoutMs: RUN_MS, env: { ...process.env, PATH: path }, cwd: PROJECT });
  if (result.missing) return bad(`is not on PATH; ${wanted} is needed`);
  const version = /\d+(\.\d+)+/.exec(result.stdout || result.stderr)?.[0]; // ssh writes its version to stderr
  if (!result.ok || !version) return bad(`does not tell its version: ${result.why || result.stdout.trim()}`);
  const fits = compareVersions(version, least) >= 0 && (!below || compareVersions(version, below) < 0);
  return fits ? { version, findings: [] } : bad(`is ${version}; ${wanted} is needed`, version);
}

/** Checks the Node that runs this program: it must strip types and bring node:sqlite (docs/design.md#node). */
export function nodeCheck(version = process.versions.node): Check {
  return {
    what: "node",
    look: async () =>
      Number(version.split(".")[0]) >= 24
        ? []
        : [{ what: "node", message: `this program runs on Node ${version}; 24 or later is needed`, hint: SETUP }],
  };
}

/**
 * Checks that ships can be confined: where user namespaces are off, an installed bubblewrap starts nothing.
 * `tools.bwrap` tells of a missing one.
 */
export function confinementCheck(): Check {
  const what = "confinement";
  return {
    what,
    look: async () => {
      const problem = await confinementProblem();
      if (!problem || /execute.*bwrap/.test(problem)) return [];
      return [
        {
          what,
          message: `ships cannot be confined here: ${problem}`,
          hint: `install util-linux and bubblewrap, and allow user namespaces; or ${WITHOUT}`,
        },
      ];
    },
  };
}

/** Checks that the harbor that runs makes ships of the kind that is wanted, or can be exchanged for one that does. */
export function harborKindCheck(unconfined: boolean): Check {
  const what = "harbor";
  return {
    what,
    look: async () => {
      const problem = await harborKindProblem(unconfined);
      return problem ? [{ what, message: problem.message, hint: problem.hint ?? "" }] : [];
    },
  };
}

/** Negative, 0 or positive, as `a` is older than, equal to or newer than `b`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number)) as [number[], number[]];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
