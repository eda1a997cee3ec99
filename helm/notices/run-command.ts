import { spawn } from "node:child_process";
import { homedir } from "node:os";
import { plain } from "../../lib/base/text.ts";
import type { Notice } from "../../lib/notices/events.ts";
import type { Outcome } from "./post.ts";

/** The end of what a command has written on stderr that is looked at. */
const MOST_SAID = 2_000;

/**
 * Runs the captain's command once, by their shell, with the notice in variables: no text of it is ever part of a
 * command. The command itself is a variable too, since command lines can be seen by every user of the machine.
 */
export function runCommand(
  command: string,
  notice: Notice,
  { workspace, signal }: { workspace: string; signal: AbortSignal },
): Promise<Outcome & { said?: string }> {
  return new Promise((resolve) => {
    const child = spawn("/bin/sh", ["-c", 'eval "$NOTICE_COMMAND"'], {
      cwd: homedir(),
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...variables(notice), WORKSPACE: workspace, NOTICE_COMMAND: command },
    });
    let words = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      words = (words + text).slice(-MOST_SAID);
    });
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {} // It has ended by itself.
    };
    signal.addEventListener("abort", kill, { once: true });
    if (signal.aborted) kill();
    const end = (outcome: Outcome) => {
      signal.removeEventListener("abort", kill);
      child.stderr.destroy();
      const said = withoutAddresses(words);
      resolve({ ...outcome, ...(said && { said }) });
    };
    child.once("error", () => end({ error: "/bin/sh could not be started" }));
    // Not "close": what the command leaves behind may hold its stderr for ever.
    child.once("exit", (code, killedBy) => {
      if (code === 0) return end({ status: 0 });
      if (signal.aborted) return end({ error: "it did not end in time, and was killed" });
      end(code === null ? { error: `it was ended by ${killedBy}` } : { status: code, error: `its exit status is ${code}` });
    });
  });
}

/** The notice as variables, each of which is one text. */
const variables = (notice: Notice): Record<string, string> => ({
  VOYAGE: notice.voyage,
  STACK: notice.stack,
  ...Object.fromEntries(
    (["id", "occurrence", "state", "event", "of", "title", "message", "detail", "hint", "link", "since", "at"] as const).map(
      (key) => [`NOTICE_${key.toUpperCase()}`, notice[key]],
    ),
  ),
  NOTICE_JSON: JSON.stringify(notice),
});

/** The last line that the command has said, with only the origin of each address in it. */
function withoutAddresses(words: string): string {
  const line = words.trimEnd().split("\n").at(-1) ?? "";
  return plain(line.replace(/\b(https?:\/\/)(?:[^\s/@]*@)?([^\s/?#'"]+)[^\s'"]*/g, "$1$2/…"), { most: 300 });
}
