import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A check may take 10 minutes, a push over a slow line some more. The hook's own time must be longer: it fails open (facts: claude-code §2). */
const GATE_SECONDS = 1700;
const HOOK_SECONDS = 1800;
/** With nobody to ask it says so at once. */
const TRY_SECONDS = 20;

/** Where the gates of a ship are. */
export type GatePlaces = { settings: string; program: string; socket: string };

export const gatePlaces = (crew: string): GatePlaces => ({
  settings: join(crew, "claude-settings.json"),
  program: join(crew, "gates", "gate.js"),
  socket: join(crew, "gate.sock"),
});

/** The shell line of a hook: the wrapper is in the settings themselves, so that a program that is missing, hangs or dies is a no as well. */
export const gateCommand = ({ program, socket }: GatePlaces, seconds = GATE_SECONDS) =>
  `timeout -k 5 ${seconds} ${quoted(process.execPath)} ${quoted(program)} ${quoted(socket)} || { echo "The ship's gate has failed: not allowed." >&2; exit 2; }`;

/** The settings for `claude --settings`: they go over those of the repository, which may say that no hooks shall run. `terminal`: with its own screen. */
export function hookSettings(places: GatePlaces, terminal = false): object {
  const command = gateCommand(places);
  const hooks = [{ type: "command", command, timeout: HOOK_SECONDS }];
  return {
    disableAllHooks: false,
    // Shows what we answer, with the cost that it tells.
    ...(terminal && { statusLine: { type: "command", command } }),
    // In ~/.claude.json it counts only before the first start (2.1.330), and the trial was one.
    ...(terminal && { skipDangerousModePermissionPrompt: true }),
    hooks: {
      // A session with its own screen tells nothing while it works: there each tool is a place to end when the money is spent.
      PreToolUse: [{ matcher: terminal ? "*" : "TaskUpdate|TaskCreate|Bash", hooks }],
      TaskCompleted: [{ hooks }],
      Stop: [{ hooks }],
      // By itself such a session waits for a person after a failure of the API.
      ...(terminal && { StopFailure: [{ hooks }] }),
    },
  };
}

/**
 * Writes the settings anew and tries the gate, with the door closed: what it says then is what it will say when the supervisor is dead.
 * Throws when it does not refuse, since everything would be let through. To be called before each start of the hand.
 */
export function hangGates(places: GatePlaces, terminal = false): void {
  writeFileSync(places.settings, JSON.stringify(hookSettings(places, terminal), null, 2), { mode: 0o600 });
  const nowhere = gateCommand({ ...places, socket: `${places.socket}.closed` }, TRY_SECONDS);
  const ran = spawnSync("sh", ["-c", nowhere], {
    input: JSON.stringify({ hook_event_name: "Stop" }),
    encoding: "utf8",
  });
  if (ran.status !== 2 || !ran.stderr.includes("does not answer"))
    throw new Error(`the gates of this ship do not hold (exit status ${ran.status}): ${ran.stderr.trim().slice(-500)}`);
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
