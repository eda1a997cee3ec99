import { dirname } from "node:path";
import type { PreflightFinding } from "../base/finding.ts";
import { runProgram } from "../base/run-program.ts";
import { harborIsIdle, runningHarbor } from "../daemons/harbor.ts";
import { claudeArguments, type HarborClaude, harborClaude, SHIP_PROGRAMS } from "../daemons/harbor-claude.ts";
import { systemArguments } from "../daemons/harbor-system.ts";
import type { Check } from "./check.ts";

/**
 * The bound of the trial, below that of a check. A machine that is too busy for it refuses nothing: the hand is tried
 * on each ship.
 */
const TRY_MS = 8_000;
const GET = "npm install -g @anthropic-ai/claude-code; or: export OCAPTAIN_HARBOR_TOOLS=/the/folder/with/claude";

/**
 * Checks that Claude Code is where the harbor takes it from for its ships, and that it starts as a ship would start it.
 */
export function claudeCheck(unconfined: boolean): Check {
  const what = "claude";
  return {
    what,
    look: async () => {
      const claude = harborClaude();
      if (!claude)
        return [
          { what, message: "is neither on the PATH nor in OCAPTAIN_HARBOR_TOOLS, and harbor ships get it from there", hint: GET },
        ];
      const problem = await tryIt(claude, unconfined);
      if (problem) return [{ what, message: `${claude.found} does not start on a ship: ${problem}`, hint: GET }];
      return await otherClaude(claude);
    },
  };
}

/** Tells why Claude Code does not start as on a ship; null when it does. */
async function tryIt(claude: HarborClaude, unconfined: boolean): Promise<string | null> {
  const result = unconfined
    ? await runProgram(claude.found, ["--version"], {
        timeoutMs: TRY_MS,
        env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent" },
      })
    : await runProgram("unshare", onShip(claude), { timeoutMs: TRY_MS, env: { PATH: process.env.PATH ?? "" } });
  if (result.ok || result.timedOut) return null;
  return (result.stderr.trim() || result.stdout.trim() || result.why).slice(-300);
}

/**
 * The arguments of a confinement like a ship's (harbor/vm/confinement.ts), as far as a program's start may depend on
 * it.
 */
const onShip = (claude: HarborClaude) => [
  ...["--user", "--map-root-user", "--", "bwrap", "--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid"],
  ...[...systemArguments(), "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/home/sprite"],
  ...["--ro-bind", dirname(process.execPath), "/.sprite/languages/node/bin", ...claudeArguments(claude)],
  ...["--setenv", "HOME", "/home/sprite", "--setenv", "PATH", `${SHIP_PROGRAMS}:/.sprite/languages/node/bin:/usr/bin:/bin`],
  ...["--chdir", "/home/sprite", "--", "claude", "--version"],
];

/**
 * Finds a harbor that runs with another Claude Code than this shell's. One without ships is started again for the first
 * of them (lib/sprites/client.ts).
 */
async function otherClaude({ found }: HarborClaude): Promise<PreflightFinding[]> {
  const harbor = await runningHarbor();
  if (!harbor || harbor.claude === found || (await harborIsIdle(harbor))) return [];
  const message = `the harbor that runs (process ${harbor.pid}) gives its ships ${harbor.claude || "none"}, and this shell has ${found}`;
  return [
    {
      what: "harbor",
      message,
      hint: "npm run harbor -- --stop  # its ships' processes end, their files stay; pulumi up starts them again",
    },
  ];
}
