import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { writeAtomically } from "../base/atomic-file.ts";
import { OcaptainError } from "../base/errors.ts";
import { VOYAGE_ID } from "../base/naming.ts";
import type { VoyageFolder } from "../base/paths.ts";
import { ForgeKind } from "./forge-setting.ts";

/** The most characters of a line that a forge or a repository chose, and of a text. */
const MOST_LINE = 1_000;
const MOST_TEXT = 65_536;
/** The most pull requests of one voyage, and the most that is kept of each. */
const MOST_PULLS = 1_000;
const MOST_OF_PULL = 2_000;
/** The most pushes that are kept: the newest. */
const MOST_PUSHES = 1_000;
/** The most that the file may have; a longer one is not ours. */
const MOST_BYTES = 64 * 1024 * 1024;

const Line = z.string().max(MOST_LINE);
const Text = z.string().max(MOST_TEXT);
const CommitId = z.string().regex(/^[0-9a-f]{40}$/);
const Id = z.string().max(200);

/**
 * Where a repository is on a forge: `api` is the base address of its API, without a slash at its end, and "" for the
 * kind `git`; `web` is the repository's own page. It holds no secret.
 */
const ForgePlace = z.object({ kind: ForgeKind, api: Line, owner: Line, repo: Line, web: Line });
export type ForgePlace = z.infer<typeof ForgePlace>;

/**
 * What a system of checks says of one commit under one name. `id` is unique among the checks of that commit, and finds
 * the job's log; a check that runs again on the same commit may get another.
 */
const Check = z.object({
  name: Line,
  state: z.enum(["pending", "success", "failure", "neutral"]),
  url: Line.nullable(),
  summary: Text.nullable(),
  id: Id,
});
export type Check = z.infer<typeof Check>;

/**
 * A reviewer's verdict on a pull request, given at `at`, in ISO 8601. `mayWrite`: whether they may push to the
 * repository.
 */
const Review = z.object({
  id: Id,
  author: Line,
  state: z.enum(["approved", "changes-requested", "commented", "dismissed"]),
  body: Text,
  at: Line,
  mayWrite: z.boolean(),
});
export type Review = z.infer<typeof Review>;

/** How the voyage's history is landed: a commit a task, one commit in all, or a chain of pull requests, one a wave. */
const LandingHow = z.enum(["per-task", "squash", "stack"]);

/** A pull request of a voyage; `wave` says which one of a stack it is, from 1. */
const LandedPull = z.object({
  number: z.int().positive(),
  url: Line,
  branch: Line,
  base: Line,
  wave: z.int().positive().optional(),
});

/** What the forge has last said of the pull requests. */
const LandingFacts = z.object({
  at: Line,
  pulls: z
    .array(
      z.object({
        number: z.int().positive(),
        state: z.enum(["open", "closed", "merged"]),
        isDraft: z.boolean(),
        mergeable: z.boolean().nullable(),
        checks: z.array(Check).max(MOST_OF_PULL),
        reviews: z.array(Review).max(MOST_OF_PULL),
        openComments: z.int().nonnegative(),
      }),
    )
    .max(MOST_PULLS),
});

/**
 * What has become of a voyage's landing, as `landing.json` in the captain's folder says it. It holds no secret.
 */
const LandingFile = z.object({
  version: z.literal(1),
  voyageId: z.string().regex(VOYAGE_ID),
  /** The forge at which pull requests are made; null where the server has no API that is known here. */
  forge: ForgePlace.nullable(),
  /** The address to which is pushed, without a name or a password. */
  remote: Line,
  /** Whether the captain has named it, and so it holds for the next landing, too. */
  isRemoteNamed: z.boolean().optional(),
  /** The branch at the remote. Those of a stack are `<branch>/1`, `<branch>/2`, … */
  branch: Line,
  /** The branch into which the voyage lands, and its commit that the voyage's branch holds. */
  base: Line,
  baseCommit: CommitId,
  how: LandingHow,
  /** What was pushed, the newest last: `commit` is the voyage's tip then, `head` what went to the remote's `branch`. */
  pushed: z.array(z.object({ commit: CommitId, head: CommitId, branch: Line, at: Line })).max(MOST_PUSHES),
  /**
   * What is about to be pushed: written before, and taken out after, so that a push whose end nobody saw is known as
   * ours.
   */
  pushing: z
    .array(z.object({ head: CommitId, branch: Line }))
    .max(MOST_PULLS)
    .optional(),
  /** The pull requests of this landing, in a stack the lowest first. */
  pulls: z.array(LandedPull).max(MOST_PULLS),
  facts: LandingFacts.optional(),
  /**
   * The follow-up tasks that were made of what came back, by their signatures, each once. `subject` is what it is about
   * where that may come back again, and `round` how often it has.
   */
  fixes: z
    .array(z.object({ signature: Line, subject: Line.optional(), task: Id, round: z.int().positive(), at: Line }))
    .max(10_000),
});
export type LandingFile = z.infer<typeof LandingFile>;

/**
 * Reads what has become of a voyage's landing; null where it was never landed.
 * @param voyageId  whose landing it must be: another voyage may have begun in a folder of that name
 * @throws OcaptainError LANDING_FILE when the file cannot be understood
 */
export async function readLanding({ landingFile }: VoyageFolder, voyageId: string): Promise<LandingFile | null> {
  const broken = (why: string, cause?: unknown) =>
    new OcaptainError("LANDING_FILE", `${landingFile} ${why}`, {
      hint: `mv ${landingFile} ${landingFile}.old  # then land again: an open pull request is found by its branch`,
      cause,
    });
  try {
    if ((await stat(landingFile)).size > MOST_BYTES) throw broken("is too long to be a landing's");
    const landing = LandingFile.parse(JSON.parse(await readFile(landingFile, "utf8")));
    return landing.voyageId === voyageId ? landing : null;
  } catch (cause) {
    if (cause instanceof OcaptainError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw broken("is broken", cause);
  }
}

/** Writes what has become of a voyage's landing, in place of what was there; of the pushes the newest are kept. */
export const writeLanding = ({ landingFile }: VoyageFolder, landing: LandingFile): Promise<void> =>
  writeAtomically(
    landingFile,
    `${JSON.stringify({ ...landing, pushed: landing.pushed.slice(-MOST_PUSHES) } satisfies LandingFile, null, 2)}\n`,
  );
