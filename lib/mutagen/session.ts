import { z } from "zod";
import { fitOrThrow } from "../base/check-input.ts";
import { OcaptainError } from "../base/errors.ts";

/** A sync session, and what its state means for the captain. */
export type MutagenSession = {
  identifier: string;
  name: string;
  labels: Record<string, string>;
  /** Mutagen's own status: watching, scanning, reconciling, staging-beta, disconnected, halted-on-… and others. */
  status: string;
  /** The captain's folder of this session if it is a mirror of a ship's tree, else null. */
  mirror: string | null;
  /** Whether both ends are reached. */
  connected: boolean;
  paused: boolean;
  /** Why Mutagen halted the session, or null. A halted session needs a reset, which `ensureSession` does. */
  halted: string | null;
  /** The paths of which both sides keep their own version. */
  conflicts: string[];
  /** What could not be read or written, each with side, path and reason. */
  problems: string[];
  /** The paths of those problems. */
  problemPaths: string[];
  /** Whether Mutagen has left problems out of its list, as it does with long ones. */
  problemsCut: boolean;
  lastError: string | null;
  /** The number of whole cycles since both ends were connected. */
  cycles: number;
  /** Whether nothing is wrong, so that what was there at the last cycle is on both sides. */
  clean: boolean;
  /** What is wrong with the session in one line for people; its status when nothing is. */
  text: string;
};

const Problem = z.looseObject({ path: z.string().default(""), error: z.string().default("") });

const RawEndpoint = z.looseObject({
  path: z.string(),
  host: z.string().optional(),
  connected: z.boolean().default(false),
  scanProblems: z.array(Problem).default([]),
  excludedScanProblems: z.number().default(0),
  transitionProblems: z.array(Problem).default([]),
  excludedTransitionProblems: z.number().default(0),
});
type RawEndpoint = z.infer<typeof RawEndpoint>;

/** A session as `mutagen sync list --template '{{json .}}'` of 0.18 prints it. Fields that we do not use may follow. */
const RawSession = z.looseObject({
  identifier: z.string(),
  name: z.string().default(""),
  labels: z.record(z.string(), z.string()).default({}),
  paused: z.boolean().default(false),
  status: z.string(),
  alpha: RawEndpoint,
  beta: RawEndpoint,
  lastError: z.string().optional(),
  successfulCycles: z.number().default(0),
  conflicts: z.array(z.looseObject({ root: z.string().default("") })).default([]),
  excludedConflicts: z.number().default(0),
});
type RawSession = z.infer<typeof RawSession>;

const HALTED: Record<string, string> = {
  "halted-on-root-emptied": "one side's folder was emptied",
  "halted-on-root-deletion": "one side's folder was deleted",
  "halted-on-root-type-change": "one side's folder became something else",
};

/**
 * Tells whether a problem passes by itself: a file changed on its way, as many do when a ship's tree is reset, so that
 * what was to be put in place had never come whole. Mutagen then begins another cycle at once, and its session is not
 * clean before that.
 */
export const passes = (problem: string): boolean => / staged file .*: no such file or directory$/.test(problem);

/** Reads the sessions from the JSON of `sync list`. Mutagen cuts long lists, but the counts in `text` are complete. */
export function parseSessions(json: string): MutagenSession[] {
  const refuse = (why: string) =>
    new OcaptainError("MUTAGEN_DAEMON", `Mutagen lists its sessions as another version does: ${why}`, {
      hint: "ocaptain doctor",
    });
  return fitOrThrow(z.array(RawSession), JSON.parse(json), refuse).map(understand);
}

function understand(raw: RawSession): MutagenSession {
  const { alpha, beta, status } = raw;
  const session = {
    identifier: raw.identifier,
    name: raw.name,
    labels: raw.labels,
    mirror: raw.labels.kind === "workspace" && !alpha.host ? alpha.path : null,
    status,
    connected: alpha.connected && beta.connected,
    paused: raw.paused,
    halted: HALTED[status] ?? (status.startsWith("halted") ? status : null),
    conflicts: raw.conflicts.map((conflict) => conflict.root || "."),
    problems: [...problemsOf("alpha", alpha), ...problemsOf("beta", beta)],
    problemPaths: [alpha, beta].flatMap((end) => [...end.scanProblems, ...end.transitionProblems].map(({ path }) => path)),
    problemsCut: cutOf(alpha, beta) > 0,
    lastError: raw.lastError || null,
    cycles: raw.successfulCycles,
  };
  const wrong = whatIsWrong(session, raw);
  return { ...session, clean: wrong.length === 0, text: wrong.join("; ") || status };
}

function whatIsWrong(session: Omit<MutagenSession, "clean" | "text">, { alpha, beta, excludedConflicts }: RawSession): string[] {
  const wrong: string[] = [];
  if (session.paused) wrong.push("paused");
  else if (session.halted) wrong.push(`halted: ${session.halted}`);
  else if (!session.connected) {
    const away = [alpha, beta].filter((end) => !end.connected).map(placeOf);
    wrong.push(`${session.status}: ${away.join(" and ")} not connected`);
  }
  if (session.lastError) wrong.push(session.lastError);
  if (session.conflicts.length > 0)
    wrong.push(`${session.conflicts.length + excludedConflicts} conflicts: ${someOf(session.conflicts)}`);
  if (session.problems.length > 0)
    wrong.push(`${session.problems.length + cutOf(alpha, beta)} problems: ${someOf(session.problems)}`);
  return wrong;
}

/** Returns the number of problems that Mutagen counts but does not list. */
const cutOf = (...ends: RawEndpoint[]) =>
  ends.reduce((sum, end) => sum + end.excludedScanProblems + end.excludedTransitionProblems, 0);
const placeOf = (end: RawEndpoint) => (end.host ? `${end.host}:${end.path}` : end.path);
const problemsOf = (side: string, end: RawEndpoint) =>
  [...end.scanProblems, ...end.transitionProblems].map(({ path, error }) =>
    side === "alpha" && error.includes("colon in target")
      ? `${path}: a link by which one could leave the mirror: it is put aside here, and stays on the ship`
      : `${side} ${path || "."}: ${error}`,
  );
const someOf = (list: readonly string[]) => list.slice(0, 5).join(", ") + (list.length > 5 ? ", …" : "");
