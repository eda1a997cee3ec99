import { z } from "zod";
import { HandSettings, PlanHandSettings } from "../plan-types.ts";
import { domainProblem } from "./domains.ts";
import {
  MAX_DOMAINS,
  MAX_PROVISION_SECONDS,
  MAX_PROVISION_STEPS,
  MAX_SHIPS,
  MAX_TASK_TIMEOUT_SECONDS,
  MAX_TASKS,
  MAX_TRIES,
} from "./limits.ts";

/**
 * What the files of a plan hold (facts: ocaptain, "Plan folder"). Keys not named here are let through: plans made for the prior
 * art sail unchanged, and may carry more.
 */

const line = z.string().refine((text) => text.trim() !== "", "must not be empty");
const command = line.refine((text) => !text.includes("\0"), "must not hold a NUL byte");
const count = (most: number) => z.int("must be a whole number").min(1, "must be at least 1").max(most, `must be at most ${most}`);

const seconds = (most: number) => z.number().positive("must be more than 0").max(most, `must be at most ${most}`);

/** A repository that git can clone, and that can stand in state and logs: no option, no remote helper that runs commands, no password. */
export const repoField = line
  .refine((repo) => !repo.startsWith("-"), "must not start with -")
  .refine((repo) => !/\p{Cc}/u.test(repo), "must not hold control characters")
  .refine((repo) => !/^[a-z0-9+.-]+::/i.test(repo), "must be a URL or a path, not a remote helper")
  .refine(
    (repo) => !/^(https?:\/\/[^/@]*@|[a-z0-9+.-]+:\/\/[^/@]*:[^/@]*@)/i.test(repo),
    "must not hold a name or a password: it would be in logs and in the state (a private repository: export GH_TOKEN=…)",
  );

/** Most package managers are done in a minute or two; a build of everything is not. */
const PROVISION_SECONDS = 600;
const provisionStep = z.preprocess(
  (step) => (typeof step === "string" ? { run: step } : step),
  z.strictObject(
    { run: command, timeoutSeconds: seconds(MAX_PROVISION_SECONDS).default(PROVISION_SECONDS) },
    { error: ({ code }) => (code === "invalid_type" ? 'must be a shell command, or {"run", "timeoutSeconds"}' : undefined) },
  ),
);

const domain = z
  .string("must be a domain")
  .toLowerCase()
  .superRefine((name, context) => {
    const problem = domainProblem(name);
    if (problem) context.addIssue(problem);
  });

export const VoyageFile = z.looseObject({
  name: line.max(200),
  repo: repoField.optional(),
  recommended_ships: count(MAX_SHIPS).nullish(),
  /** What the prior art's analyser found; ours is computed, so this one only has to be a number. */
  max_parallel_width: count(MAX_TASKS).nullish(),
  total_tasks: z.number().int().nonnegative().nullish(),
  created: z.string().nullish(),
  /** Of each task that does not say otherwise; with every kind of hand. */
  timeoutSeconds: seconds(MAX_TASK_TIMEOUT_SECONDS).nullish(),
  /** How the hand `claude` works the tasks; a task's metadata may say otherwise. */
  claude: z.strictObject(PlanHandSettings.shape).nullish(),
  /** What each ship runs after its first checkout and before its first task. */
  provision: z
    .array(provisionStep, "must be a list")
    .max(MAX_PROVISION_STEPS, `must be at most ${MAX_PROVISION_STEPS}`)
    .nullish(),
  /** What each ship may reach. Strict: a key that is misspelt would else leave everything open. */
  network: z
    .strictObject({ allow: z.array(domain, "must be a list").max(MAX_DOMAINS, `must be at most ${MAX_DOMAINS}`) })
    .nullish(),
  /** The captain's GH_TOKEN goes with the credentials of the hand `claude`. */
  github: z.boolean("must be true or false").nullish(),
});
export type VoyageFile = z.infer<typeof VoyageFile>;

/** Edges are checked one by one in tasks.ts; here they only have to be lists. */
export const TaskFile = z.looseObject({
  id: z.string("must be a string of digits"),
  subject: line.max(1000),
  description: z.string(),
  activeForm: z.string().nullish(),
  status: z.literal("pending", 'must be "pending": a plan has no started tasks'),
  blocks: z.array(z.string("must be a task id, a string of digits")),
  blockedBy: z.array(z.string("must be a task id, a string of digits")),
  metadata: z
    .looseObject({
      rehearsal: command.optional(),
      check: command.optional(),
      timeoutSeconds: seconds(MAX_TASK_TIMEOUT_SECONDS).optional(),
      tries: count(MAX_TRIES).optional(),
      claude: z.strictObject(HandSettings.shape).optional(),
    })
    .nullish(),
});
export type TaskFile = z.infer<typeof TaskFile>;

/** zod's issues as `{field, message}`: `blockedBy[1]`, "is missing". The parse has to be asked for `reportInput`. */
export function explainIssues(error: z.ZodError): { field: string; message: string }[] {
  return error.issues.map((issue) => ({
    field: issue.path.reduce<string>(
      (path, key) => (typeof key === "number" ? `${path}[${key}]` : path ? `${path}.${String(key)}` : String(key)),
      "",
    ),
    message: issue.input === undefined ? "is missing" : issue.message.replace(/^Invalid input: /, ""),
  }));
}
