import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect } from "vitest";

/** Opens a person's terminal: a tmux of its own, with a shell in it. `close` ends it. */
export async function openTerm(size = { cols: 90, rows: 20 }) {
  const folder = await mkdtemp(join(tmpdir(), "ot-"));
  const socket = join(folder, "s");
  const tmux = async (...args: string[]) =>
    (await execa("tmux", ["-S", socket, "-f", "/dev/null", ...args], { timeout: 10_000 })).stdout;
  // The prefix is another than that of the ship's tmux, so that Ctrl-b is for the ship's.
  await tmux("new-session", "-d", "-x", String(size.cols), "-y", String(size.rows), "-s", "person", "env PS1='$ ' sh");
  await tmux("set-option", "-g", "prefix", "C-q");
  await tmux("set-option", "-g", "status", "off");
  await tmux("set-option", "-g", "window-size", "manual");
  await tmux("resize-window", "-t", "person", "-x", String(size.cols), "-y", String(size.rows));
  const screen = () => tmux("capture-pane", "-p", "-t", "person");
  return {
    screen,
    /** The lines that the terminal has broken, since they are longer than it is wide. */
    async broken(): Promise<string[]> {
      const lines = new Set((await screen()).split("\n").map((line) => line.trimEnd()));
      const whole = await tmux("capture-pane", "-p", "-J", "-t", "person");
      return whole.split("\n").filter((line) => !lines.has(line.trimEnd()));
    },
    type: (text: string) => tmux("send-keys", "-t", "person", "-l", text),
    /** Presses keys by tmux's names for them, such as `Enter`, `C-c` or `C-b`. */
    press: (...keys: string[]) => tmux("send-keys", "-t", "person", ...keys),
    enter: async (line: string) => {
      await tmux("send-keys", "-t", "person", "-l", line);
      await tmux("send-keys", "-t", "person", "Enter");
    },
    resize: (cols: number, rows: number) => tmux("resize-window", "-t", "person", "-x", String(cols), "-y", String(rows)),
    sees: (what: RegExp, timeout = 60_000) => expect.poll(screen, { timeout, interval: 100 }).toMatch(what),
    /** The modes of the pane as tmux knows them: whether input is raw, and which screen is shown. */
    modes: async () => (await tmux("display-message", "-p", "-t", "person", "#{alternate_on} #{cursor_flag}")).trim(),
    async close(): Promise<void> {
      await tmux("kill-server").catch(() => {});
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type Term = Awaited<ReturnType<typeof openTerm>>;
