import { z } from "zod";
import { shown } from "../base/check-input.ts";
import { inDotEnv } from "../base/secret-hints.ts";
import { domainProblem } from "./domains.ts";
import {
  MAX_COMMAND_BYTES,
  MAX_DOMAINS,
  MAX_ESTIMATE_MINUTES,
  MAX_PROVISION_SECONDS,
  MAX_PROVISION_STEPS,
  MAX_SHIPS,
  MAX_TASK_TIMEOUT_SECONDS,
  MAX_TASKS,
  MAX_TRIES,
} from "./limits.ts";
import { Globs } from "./touches.ts";
import { HandSettings, PlanHandSettings } from "./types.ts";

// The schemas of a plan's files, which docs/plans.md describes. A key that is not named here is refused, so that no
// misspelt one is silently ignored. Keys of a user's own go under `x`. Plans of the prior art sail unchanged, for which
// all of their keys are named.

const NUL = "must not hold a NUL byte";
/**
 * A text without NUL bytes, which cannot stand in an environment, a prompt or a commit's message, where a ship puts it.
 */
const text = z.string().refine((said) => !said.includes("\0"), NUL);
const line = text.refine((said) => said.trim() !== "", "must not be empty");
export const CARRIAGE_RETURN = "must not hold carriage returns (the line ends of Windows): bash takes them as part of its words";
const command = line.superRefine((said, context) => {
  const bytes = Buffer.byteLength(said);
  if (said.includes("\r")) context.addIssue(CARRIAGE_RETURN);
  else if (bytes > MAX_COMMAND_BYTES)
    context.addIssue(`must have at most ${MAX_COMMAND_BYTES} bytes, and has ${bytes}: put it into a script in the repository`);
});
const count = (most: number) => z.int().min(1).max(most);
const seconds = (most: number) => z.number().positive().max(most);
/** A field of the prior art or of Claude Code's task files, or a user's own, which means nothing to a voyage. */
const ignored = z.unknown().optional();

/**
 * A repository that git can clone and that may stand in state and logs. It is no option of git, no remote helper, which
 * could run commands, and holds no password.
 */
export const repoField = line
  .refine((repo) => !repo.startsWith("-"), "must not start with -")
  .refine((repo) => !/\p{Cc}/u.test(repo), "must not hold control characters")
  .refine((repo) => !/^[a-z0-9+.-]+::/i.test(repo), "must be a URL or a path, not a remote helper")
  .refine(
    (repo) => !/^(https?:\/\/[^/@]*@|[a-z0-9+.-]+:\/\/[^/@]*:[^/@]*@)/i.test(repo),
    `must not hold a name or a password: it would be in logs and in the state (for a private repository ${inDotEnv("GH_TOKEN")})`,
  );

/**
 * The default bound of a provision step. Most package managers are done in a minute or two, but a whole build is not.
 */
const PROVISION_SECONDS = 600;
const provisionStep = z.preprocess(
  (step) => (typeof step === "string" ? { run: step } : step),
  z.strictObject(
    { run: command, timeoutSeconds: seconds(MAX_PROVISION_SECONDS).default(PROVISION_SECONDS) },
    {
      error: ({ code, input }) =>
        code === "invalid_type" ? `must be a shell command, or {"run", "timeoutSeconds"}, and is ${shown(input)}` : undefined,
    },
  ),
);

const domain = z
  .string()
  .toLowerCase()
  .superRefine((name, context) => {
    const problem = domainProblem(name);
    if (problem) context.addIssue(`${problem}; it is ${shown(name)}`);
  });

export const PlanFile = z.strictObject({
  name: line.max(200),
  repo: repoField.nullish(),
  recommended_ships: count(MAX_SHIPS).nullish(),
  /** The width that the prior art's analyser has written. Ours is computed, so this one only has to be a number. */
  max_parallel_width: count(MAX_TASKS).nullish(),
  total_tasks: z.int().nonnegative().nullish(),
  created: ignored,
  /** The time for each task whose metadata has none, with every kind of hand. */
  timeoutSeconds: seconds(MAX_TASK_TIMEOUT_SECONDS).nullish(),
  /** How the hand `claude` works the tasks; a task's metadata may say otherwise. */
  claude: z.strictObject(PlanHandSettings.shape).nullish(),
  /** What each ship runs after its first checkout and before its first task. */
  provision: z.array(provisionStep).max(MAX_PROVISION_STEPS).nullish(),
  /** What each ship may reach. */
  network: z.strictObject({ allow: z.array(domain).max(MAX_DOMAINS) }).nullish(),
  /** Whether the captain's GH_TOKEN goes to the ships, with the credentials of the hand `claude`. */
  github: z.boolean().nullish(),
  x: ignored,
});
export type PlanFile = z.infer<typeof PlanFile>;

/** The name of a format and the id that the task has there. Characters that are not seen are no part of either. */
const SOURCE = /^(?=.{1,200}$)[a-z][a-z0-9-]*:[^\s\p{C}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]+$/u;

/**
 * The ids that a task blocks, or is blocked by. tasks.ts checks each of them, and takes a list that is left out from
 * the other tasks' files.
 */
const edges = z.array(z.string()).nullish();

export const TaskFile = z
  .strictObject({
    id: z.string(),
    /** The subject by its other name, which goes before `subject`, as in the prior art. */
    title: line.max(1000).nullish(),
    subject: line.max(1000).nullish(),
    description: text,
    activeForm: text.nullish(),
    status: z
      .string()
      .refine((status) => status === "pending", {
        error: ({ input }) => `must be "pending", as a plan has no started tasks, and is ${shown(input)}`,
      })
      .nullish(),
    blocks: edges,
    blockedBy: edges,
    metadata: z
      .strictObject({
        rehearsal: command.optional(),
        check: command.optional(),
        timeoutSeconds: seconds(MAX_TASK_TIMEOUT_SECONDS).optional(),
        tries: count(MAX_TRIES).optional(),
        /** What the task writes, which lib/plan/touches.ts reads. */
        touches: Globs.nullish(),
        /** The files that the task is about, which count where `touches` is left out. */
        files: Globs.nullish(),
        estimateMinutes: z.number().positive().max(MAX_ESTIMATE_MINUTES).nullish(),
        /** Where an imported task came from, such as `spec-kit:T012`. */
        source: z
          .string()
          .regex(SOURCE, "must be where the task came from, such as spec-kit:T012, in at most 200 characters without spaces")
          .nullish(),
        claude: z.strictObject(HandSettings.shape).optional(),
        ship: ignored,
        voyage: ignored,
        x: ignored,
      })
      .nullish(),
    owner: ignored,
    created: ignored,
    updated: ignored,
  })
  .refine((task) => (task.title ?? task.subject) != null, {
    path: ["subject"],
    error: "is missing",
    // Without this, zod would not look for a missing subject in a task that has other problems too.
    when: ({ value }) => typeof value === "object" && value !== null,
  });
export type TaskFile = z.infer<typeof TaskFile>;

const edgeParts = z.array(z.string().nullable().catch(null)).nullish().catch(null);
/**
 * Those parts of a task's file that other findings hang on, each where it is right by itself: what is wrong in the rest
 * of the file does not hide what is wrong with the graph or a command. An edge that is no text holds its place as null.
 */
export const TaskParts = z.object({
  id: z.string().optional().catch(undefined),
  blocks: edgeParts,
  blockedBy: edgeParts,
  metadata: z
    .object({ rehearsal: command.optional().catch(undefined), check: command.optional().catch(undefined) })
    .catch({ rehearsal: undefined, check: undefined }),
});
export type TaskParts = z.infer<typeof TaskParts>;

/** The same parts of voyage.json. A `repo` that is wrong is null, and no further finding hangs on it. */
export const PlanParts = z.object({
  repo: z.preprocess((repo) => repo ?? undefined, repoField.optional().nullable().catch(null)),
  total_tasks: z.number().nullish().catch(null),
  provision: z.array(provisionStep.nullable().catch(null)).nullish().catch(null),
});
export type PlanParts = z.infer<typeof PlanParts>;
