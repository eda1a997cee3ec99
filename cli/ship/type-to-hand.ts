import { OcaptainError } from "../../lib/base/errors.ts";
import { plain, said } from "../../lib/base/text.ts";
import { HAND_SESSION } from "../../lib/ship/crew-launch.ts";
import { shipScript } from "../../lib/ship/shell.ts";
import type { KnownVoyage } from "../../lib/watch/known.ts";
import { onShip } from "./on-ship.ts";

/** The longest text that is typed: percent-encoded in the request's URL it is at most 48 KiB. */
export const MOST_TYPED = 4_096;
/**
 * How many characters are typed at a time, with a pause after them: Claude Code takes what comes faster, or in larger
 * pieces, for pasted text.
 */
const PART = 100;
const PART_SECONDS = 0.05;
/** How long Claude Code may take to start. */
const START_SECONDS = 20;
const TYPE_MS = 60_000;
/** Exit statuses of our own script. */
const [NO_SESSION, NO_SCREEN] = [77, 78];

/**
 * Waits for a terminal in raw mode, which a program sets that takes keys one by one, and types. Enter comes on its own:
 * together with the text it would be taken for pasted.
 */
const SCRIPT = `
tty=$(tmux display-message -p -t =${HAND_SESSION}: '#{pane_tty}' 2>/dev/null) && [ -n "$tty" ] || exit ${NO_SESSION}
tries=${START_SECONDS * 5}
until stty -a -F "$tty" 2>/dev/null | grep -q -e '-icanon'; do
  tries=$((tries - 1)); [ $tries -gt 0 ] || exit ${NO_SCREEN}
  sleep 0.2
done
for part do tmux send-keys -t =${HAND_SESSION}: -l -- "$part" || exit ${NO_SESSION}; sleep ${PART_SECONDS}; done
sleep 0.3
tmux send-keys -t =${HAND_SESSION}: Enter`;

/**
 * Types `text` into the interactive session of a ship's hand as a message of its own, by an exec, which wakes the ship.
 * @throws OcaptainError NOT_SAILING, NO_SESSION, TYPING
 */
export async function typeToHand(voyage: KnownVoyage, ship: string, text: string): Promise<void> {
  const { stack } = voyage.file;
  const { exec } = await onShip(voyage, ship);
  const argv = shipScript(SCRIPT, ...parts(typable(text)));
  const look = `ocaptain shell ${stack} ${ship}`;
  const { exitCode, stderr } = await exec(argv, TYPE_MS).catch((error: unknown) => {
    if (!(error instanceof OcaptainError) || error.code === "SPRITE_GONE") throw error;
    throw new OcaptainError("TYPING", `${error.message}; it may have been typed all the same`, { hint: look, cause: error });
  });
  if (exitCode === 0) return;
  if (exitCode === NO_SESSION)
    throw new OcaptainError("NO_SESSION", `no session of Claude Code is open on ${ship}`, { hint: `ocaptain status ${stack}` });
  if (exitCode === NO_SCREEN)
    throw new OcaptainError("NO_SESSION", `Claude Code's screen on ${ship} took no keys for ${START_SECONDS} s`, { hint: look });
  throw new OcaptainError("TYPING", `typing on ${ship} failed: ${said(stderr) || `exit status ${exitCode}`}`, {
    hint: look,
  });
}

/**
 * The text as keys can say it, without escape sequences and tabs (a key of its own). A line feed is a new line of the
 * same message.
 */
const typable = (text: string) =>
  text
    .replaceAll("\r\n", "\n")
    .split("\n")
    .map((line) => plain(line))
    .join("\n")
    .replaceAll("\t", "  ");

/** Cuts the text into parts of {@link PART} code points: half a code point is no text. */
function parts(text: string): string[] {
  const points = [...text];
  return Array.from({ length: Math.ceil(points.length / PART) }, (_, i) => points.slice(i * PART, (i + 1) * PART).join(""));
}
