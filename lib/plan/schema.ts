import { z } from "zod";
import { shown } from "../base/check-input.ts";
import { inDotEnv } from "../base/secret-hints.ts";
import { domainProblem } from "./domains.ts";
import {
  MAX_COMMAND_BYTES,
  MAX_DOMAINS,
  MAX_PROVISION_SECONDS,
  MAX_PROVISION_STEPS,
  MAX_SHIPS,
  MAX_TASK_TIMEOUT_SECONDS,
  MAX_TASKS,
  MAX_TRIES,
} from "./limits.ts";
import { HandSettings, PlanHandSettings } from "./types.ts";

/**
 * The schemas of a plan's files, as docs/plans.md describes them. A key that is not named here is refused, so that no slip of the pen is lost without a
 * word; plans made for the prior art sail unchanged, so all that its plans carry is named. Keys of a user's own go under `x`.
 */

const NUL = "must not hold a NUL byte";
/** Nothing that a ship hands on (an environment, a prompt, a commit's message) can hold a NUL byte. */
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
/** Of the prior art's and of Claude Code's task files; it means nothing to a voyage that begins. */
const ignored = z.unknown().optional();

/** A repository that git can clone, and that can stand in state and logs: no option, no remote helper that runs commands, no password. */
export const repoField = line
  .refine((repo) => !repo.startsWith("-"), "must not start with -")
  .refine((repo) => !/\p{Cc}/u.test(repo), "must not hold control characters")
  .refine((repo) => !/^[a-z0-9+.-]+::/i.test(repo), "must be a URL or a path, not a remote helper")
  .refine(
    (repo) => !/^(https?:\/\/[^/@]*@|[a-z0-9+.-]+:\/\/[^/@]*:[^/@]*@)/i.test(repo),
    `must not hold a name or a password: it would be in logs and in the state (for a private repository ${inDotEnv("GH_TOKEN")})`,
  );

/** Most package managers are done in a minute or two; a build of everything is not. */
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
  /** What the prior art's analyser found; ours is computed, so this one only has to be a number. */
  max_parallel_width: count(MAX_TASKS).nullish(),
  total_tasks: z.int().nonnegative().nullish(),
  created: ignored,
  /** Of each task that does not say otherwise; with every kind of hand. */
  timeoutSeconds: seconds(MAX_TASK_TIMEOUT_SECONDS).nullish(),
  /** How the hand `claude` works the tasks; a task's metadata may say otherwise. */
  claude: z.strictObject(PlanHandSettings.shape).nullish(),
  /** What each ship runs after its first checkout and before its first task. */
  provision: z.array(provisionStep).max(MAX_PROVISION_STEPS).nullish(),
  /** What each ship may reach. */
  network: z.strictObject({ allow: z.array(domain).max(MAX_DOMAINS) }).nullish(),
  /** The captain's GH_TOKEN goes with the credentials of the hand `claude`. */
  github: z.boolean().nullish(),
  x: ignored,
});
export type PlanFile = z.infer<typeof PlanFile>;

/** Edges are checked one by one in tasks.ts; here they only have to be lists. What is left out of one side is the other's to say. */
const edges = z.array(z.string()).nullish();

export const TaskFile = z
  .strictObject({
    id: z.string(),
    /** The prior art reads `title` first. */
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
    // Also beside what else is wrong.
    when: ({ value }) => typeof value === "object" && value !== null,
  });
export type TaskFile = z.infer<typeof TaskFile>;
