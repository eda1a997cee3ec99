import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The longest that a gate may take: a check takes up to 10 minutes, a push over a slow line some more. The hook's own
 * time must be longer, since a hook that is out of time lets everything through.
 */
const GATE_SECONDS = 1700;
const HOOK_SECONDS = 1800;
/** The longest that the gate is tried with nobody to answer it, which it says at once. */
const TRY_SECONDS = 20;

/** Paths of a ship's gates. */
export type GatePlaces = { settings: string; program: string; socket: string };

export const gatePlaces = (crew: string): GatePlaces => ({
  settings: join(crew, "claude-settings.json"),
  program: join(crew, "gates", "gate.js"),
  socket: join(crew, "gate.sock"),
});

/**
 * Renders the shell line of a hook. What turns a failure into a no is in the line itself, so that a program that is
 * missing, hangs or dies is a no too.
 */
export const gateCommand = ({ program, socket }: GatePlaces, seconds = GATE_SECONDS) =>
  `timeout -k 5 ${seconds} ${quoted(process.execPath)} ${quoted(program)} ${quoted(socket)} || { echo "The ship's gate has failed: not allowed." >&2; exit 2; }`;

/**
 * Renders the settings for `claude --settings`. They go over those of the repository, which may say that no hooks shall
 * run.
 *
 * @param terminal whether Claude Code has its own screen
 */
export function hookSettings(places: GatePlaces, terminal = false): object {
  const command = gateCommand(places);
  const hooks = [{ type: "command", command, timeout: HOOK_SECONDS }];
  return {
    disableAllHooks: false,
    // The status line shows what the supervisor answers, which hears by it what the session has cost.
    ...(terminal && { statusLine: { type: "command", command } }),
    // In ~/.claude.json this would count only before the first start (seen with 2.1.330), and the trial was one.
    ...(terminal && { skipDangerousModePermissionPrompt: true }),
    hooks: {
      // A session with its own screen writes no stream while it works, so each use of a tool is a place to end when the
      // money is spent.
      PreToolUse: [{ matcher: terminal ? "*" : "TaskUpdate|TaskCreate|Bash", hooks }],
      TaskCompleted: [{ hooks }],
      Stop: [{ hooks }],
      // After a failure of the API such a session would wait for a person.
      ...(terminal && { StopFailure: [{ hooks }] }),
    },
  };
}

/** The program of the gates as it was when it was last seen to refuse. */
let seenToRefuse: Buffer | null = null;

/**
 * Writes the settings anew and tries the gate on a socket that nobody listens to: what it says then is what it will say
 * when the supervisor is dead. To be called before each start of the hand. A program that has been seen to refuse, and
 * is still the same, is not tried again. Throws when the gate does not refuse, since everything would be let through.
 */
export function hangGates(places: GatePlaces, terminal = false): void {
  writeFileSync(places.settings, JSON.stringify(hookSettings(places, terminal), null, 2), { mode: 0o600 });
  const program = readOr(places.program);
  if (program !== null && seenToRefuse?.equals(program)) return;
  const nowhere = gateCommand({ ...places, socket: `${places.socket}.closed` }, TRY_SECONDS);
  const ran = spawnSync("sh", ["-c", nowhere], {
    input: JSON.stringify({ hook_event_name: "Stop" }),
    encoding: "utf8",
  });
  if (ran.status !== 2 || !ran.stderr.includes("does not answer"))
    throw new Error(`the gates of this ship do not hold (exit status ${ran.status}): ${ran.stderr.trim().slice(-500)}`);
  seenToRefuse = program;
}

/** Reads a file; null when that cannot be done, as the trial of the gate will show. */
function readOr(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
