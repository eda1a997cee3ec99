import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ThisShip } from "../../machine/ship.ts";

/** How often a transcript is copied while a run goes on. */
export const TRANSCRIPT_MS = 30_000;

/** Finds Claude Code's own file of a session, whatever it calls the project's folder; null when it has written none. */
export function transcriptOf(ship: ThisShip, session: string): string | null {
  const projects = join(ship.home, ".claude", "projects");
  if (!existsSync(projects)) return null;
  const found = readdirSync(projects).map((project) => join(projects, project, `${session}.jsonl`));
  return found.find((file) => existsSync(file)) ?? null;
}

/** The most files of subagents of one session that are copied; others stay on the ship. */
const MAX_SUBAGENTS = 500;

/**
 * Copies a session's transcript to the logs, which are synced to the captain, as `transcripts/<name>-<session>.jsonl`,
 * and those of its subagents beside it, as `<name>-<session>.agent-<id>.jsonl`. Never throws: a log must not fail a
 * task.
 */
export function keepTranscript(ship: ThisShip, session: string, name: string): void {
  try {
    const file = transcriptOf(ship, session);
    if (!file) return;
    const folder = join(ship.logs, "transcripts");
    mkdirSync(folder, { recursive: true });
    const copy = join(folder, `${name}-${session}`);
    copyFileSync(file, `${copy}.jsonl`);
    for (const one of subagents(file)) if (grew(one, `${copy}.${basename(one)}`)) copyFileSync(one, `${copy}.${basename(one)}`);
  } catch {}
}

/** Lists the transcripts of subagents, `<session>/subagents/agent-<id>.jsonl` beside the session's own. */
function subagents(transcript: string): string[] {
  const folder = join(dirname(transcript), basename(transcript, ".jsonl"), "subagents");
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && /^agent-.*\.jsonl$/.test(entry.name),
  );
  return files.slice(0, MAX_SUBAGENTS).map((entry) => join(folder, entry.name));
}

/**
 * Tells whether a file has grown since it was copied. Transcripts are only added to, and most subagents of a session
 * have ended.
 */
const grew = (file: string, copy: string) => statSync(file).size !== statSync(copy, { throwIfNoEntry: false })?.size;
