import { z } from "zod";

/** `mutagen sync list --template '{{json .}}'` of 0.18, as far as we look at it; anything more is let through. */

const Problem = z.looseObject({ path: z.string().default(""), error: z.string().default("") });

const Endpoint = z.looseObject({
  path: z.string(),
  host: z.string().optional(),
  connected: z.boolean().default(false),
  files: z.number().default(0),
  directories: z.number().default(0),
  totalFileSize: z.number().default(0),
  scanProblems: z.array(Problem).default([]),
  excludedScanProblems: z.number().default(0),
  transitionProblems: z.array(Problem).default([]),
  excludedTransitionProblems: z.number().default(0),
});

export const Session = z.looseObject({
  identifier: z.string(),
  name: z.string().default(""),
  labels: z.record(z.string(), z.string()).default({}),
  mode: z.string().optional(),
  paused: z.boolean().default(false),
  /** disconnected, halted-on-…, connecting-alpha, connecting-beta, watching, scanning, waiting-for-rescan, reconciling, staging-…, transitioning, saving. */
  status: z.string(),
  alpha: Endpoint,
  beta: Endpoint,
  lastError: z.string().optional(),
  successfulCycles: z.number().default(0),
  conflicts: z.array(z.looseObject({ root: z.string().default("") })).default([]),
  excludedConflicts: z.number().default(0),
});
export type Session = z.infer<typeof Session>;

export type Description = {
  /** Both ends are reached. */
  connected: boolean;
  paused: boolean;
  /** Why Mutagen stopped rather than obeyed, or null. Such a session needs a reset: `ensureSession` does it. */
  halted: string | null;
  /** Paths of which both sides keep their own version. */
  conflicts: string[];
  /** What could not be read or written, by side and path. */
  problems: string[];
  lastError: string | null;
  /** Nothing of the above is wrong: what was there at the last cycle is on both sides. */
  clean: boolean;
  /** All of it in one line, for people. */
  text: string;
};

const HALTED: Record<string, string> = {
  "halted-on-root-emptied": "one side's folder was emptied",
  "halted-on-root-deletion": "one side's folder was deleted",
  "halted-on-root-type-change": "one side's folder became something else",
};

/** What a session's state means. Lists hold what Mutagen tells; it cuts long ones, and the text says how many it left out. */
export function describe(session: Session): Description {
  const { alpha, beta, paused, status } = session;
  const connected = alpha.connected && beta.connected;
  const halted = HALTED[status] ?? (status.startsWith("halted") ? status : null);
  const conflicts = session.conflicts.map((conflict) => conflict.root || ".");
  const problems = [...problemsOf("alpha", alpha), ...problemsOf("beta", beta)];
  const lastError = session.lastError || null;

  const said: string[] = [];
  if (paused) said.push("paused");
  else if (halted) said.push(`halted: ${halted}`);
  else if (!connected)
    said.push(
      `${status}: ${[alpha, beta]
        .filter((end) => !end.connected)
        .map(placeOf)
        .join(" and ")} not connected`,
    );
  if (lastError) said.push(lastError);
  const moreConflicts = session.excludedConflicts;
  if (conflicts.length > 0) said.push(`${conflicts.length + moreConflicts} conflicts: ${someOf(conflicts)}`);
  const moreProblems = [alpha, beta].reduce((sum, end) => sum + end.excludedScanProblems + end.excludedTransitionProblems, 0);
  if (problems.length > 0) said.push(`${problems.length + moreProblems} problems: ${someOf(problems)}`);

  const clean = said.length === 0;
  return { connected, paused, halted, conflicts, problems, lastError, clean, text: clean ? status : said.join("; ") };
}

type Endpoint = z.infer<typeof Endpoint>;
const placeOf = (end: Endpoint) => (end.host ? `${end.host}:${end.path}` : end.path);
const problemsOf = (side: string, end: Endpoint) =>
  [...end.scanProblems, ...end.transitionProblems].map(({ path, error }) => `${side} ${path || "."}: ${error}`);
const someOf = (list: string[]) => list.slice(0, 5).join(", ") + (list.length > 5 ? ", …" : "");
