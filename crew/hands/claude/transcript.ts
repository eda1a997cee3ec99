import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Ship } from "../../ship.ts";

/** How often it is copied while a run goes on. */
export const TRANSCRIPT_MS = 30_000;

/** Claude Code's own file of a session, whatever it calls the project's folder; null when it has written none (facts: claude-code §5). */
export function transcriptOf(ship: Ship, session: string): string | null {
  const projects = join(ship.home, ".claude", "projects");
  if (!existsSync(projects)) return null;
  const found = readdirSync(projects).map((project) => join(projects, project, `${session}.jsonl`));
  return found.find((file) => existsSync(file)) ?? null;
}

/** Copies it to the logs, which come home, as `transcripts/<name>-<session>.jsonl`. Never throws: a log must not fail a task. */
export function keepTranscript(ship: Ship, session: string, name: string): void {
  try {
    const file = transcriptOf(ship, session);
    if (!file) return;
    const folder = join(ship.logs, "transcripts");
    mkdirSync(folder, { recursive: true });
    copyFileSync(file, join(folder, `${name}-${session}.jsonl`));
  } catch {}
}
