import { z } from "zod";
import { shown } from "../base/check-input.ts";
import { inDotEnv } from "../base/secret-hints.ts";
import { DOMAIN_PATTERN, domainProblem } from "./domains.ts";
import {
  MAX_COMMAND_BYTES,
  MAX_DOMAINS,
  MAX_ESTIMATE_MINUTES,
  MAX_ID_DIGITS,
  MAX_PRICED_MODELS,
  MAX_PROVISION_SECONDS,
  MAX_PROVISION_STEPS,
  MAX_SHIPS,
  MAX_TASK_TIMEOUT_SECONDS,
  MAX_TOUCHES,
  MAX_TRIES,
} from "./limits.ts";
import { Globs } from "./touches.ts";
import { HandSettings, MODEL_NAME, ModelPrices, PlanHandSettings } from "./types.ts";

// The schemas of a plan's files, which docs/plans.md describes. A key that is not named here is refused, so that no
// misspelt one is silently ignored. Keys of a user's own go under `x`. Plans of the prior art sail unchanged, for which
// all of their keys are named. From these schemas `node tools/plan-format.ts` makes the JSON Schemas in plans/schema,
// and the tables of docs/plans.md. A rule that is a pattern is a pattern in those, too.

const NUL = "must not hold a NUL byte";
/**
 * A text without NUL bytes, which cannot stand in an environment, a prompt or a commit's message, where a ship puts it.
 */
export const text = z.string().regex(/^[^\0]*$/, NUL);
export const line = text.regex(/\S/, "must not be empty");
export const CARRIAGE_RETURN = "must not hold carriage returns (the line ends of Windows): bash takes them as part of its words";
const command = line
  .superRefine((said, context) => {
    const bytes = Buffer.byteLength(said);
    if (said.includes("\r")) context.addIssue(CARRIAGE_RETURN);
    else if (bytes > MAX_COMMAND_BYTES)
      context.addIssue(`must have at most ${MAX_COMMAND_BYTES} bytes, and has ${bytes}: put it into a script in the repository`);
  })
  // An editor cannot count bytes, and so lets a few more pass.
  .meta({ maxLength: MAX_COMMAND_BYTES, not: { pattern: "\\r" } });
const count = (most: number) => z.int().min(1).max(most);
const seconds = (most: number) => z.number().positive().max(most);

/**
 * Describes a field, for editors (plans/schema) and for docs/plans.md: what it is, and what counts where it is left
 * out.
 */
const field = <T extends z.ZodType>(schema: T, description: string, otherwise?: string): T =>
  schema.meta({ ...schema.meta(), description, ...(otherwise !== undefined && { otherwise }) });
/** A field that means nothing to a voyage: one of the prior art or of Claude Code's task files, or a user's own. */
const ignored = (description: string) => field(z.unknown().optional(), description);
const UNREAD = "not read; plans and task files from elsewhere have it";
const SCHEMA = field(
  z.string().max(2000).nullish(),
  "not read here; the address of the JSON Schema by which an editor completes and explains",
);
const OWN = ignored("what is your own, of any form");

/**
 * A repository that git can clone and that may stand in state and logs. It is no option of git, no remote helper, which
 * could run commands, and holds no password.
 */
export const repoField = line
  .regex(/^(?!-)/, "must not start with -")
  .regex(/^\P{Cc}*$/u, "must not hold control characters")
  .regex(/^(?![A-Za-z0-9+.-]+::)/, "must be a URL or a path, not a remote helper")
  .regex(
    /^(?!([Hh][Tt][Tt][Pp][Ss]?:\/\/[^/@]*@|[A-Za-z0-9+.-]+:\/\/[^/@]*:[^/@]*@))/,
    `must not hold a name or a password: it would be in logs and in the state (for a private repository ${inDotEnv("GH_TOKEN")})`,
  );

/**
 * The default bound of a provision step. Most package managers are done in a minute or two, but a whole build is not.
 */
const PROVISION_SECONDS = 600;
/** A step of `provision`: an object, or its command alone. */
export const ProvisionEntry = z.preprocess(
  (step) => (typeof step === "string" ? { run: step } : step),
  z.strictObject(
    {
      run: field(command, "the shell command, run by `bash -c` in the ship's tree"),
      timeoutSeconds: field(
        seconds(MAX_PROVISION_SECONDS).default(PROVISION_SECONDS),
        `after which the step has failed; at most ${MAX_PROVISION_SECONDS}`,
        String(PROVISION_SECONDS),
      ),
    },
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
  })
  .meta({ pattern: DOMAIN_PATTERN });

/** The prices of models, by their names. */
const prices = z
  .record(z.string(), z.strictObject(ModelPrices.shape))
  .superRefine((models, context) => {
    const names = Object.keys(models);
    if (names.length > MAX_PRICED_MODELS)
      context.addIssue(`must have at most ${MAX_PRICED_MODELS} models, and has ${names.length}`);
    for (const name of names)
      if (name.length > 200 || !MODEL_NAME.test(name))
        context.addIssue({ code: "custom", message: "must be a model's name", path: [name] });
  })
  .meta({ propertyNames: { pattern: MODEL_NAME.source, maxLength: 200 }, maxProperties: MAX_PRICED_MODELS });

export const PlanFile = z
  .strictObject({
    $schema: SCHEMA,
    name: field(line.max(200), "the plan's name; another name is another plan"),
    repo: field(
      repoField.nullish(),
      "the repository: a URL, `owner/name` on GitHub, or a path from this folder, which begins with `./`, `../`, `/` or `~`; `.` is the one that the plan lies in",
      "`.`",
    ),
    recommended_ships: field(
      count(MAX_SHIPS).nullish(),
      `how many ships it sails with; at most ${MAX_SHIPS.toLocaleString("en")}`,
      "OCAPTAIN_DEFAULT_SHIPS, else 3",
    ),
    timeoutSeconds: field(
      seconds(MAX_TASK_TIMEOUT_SECONDS).nullish(),
      "the time for each task that has none of its own, with every kind of hand; at most a week",
      "1800",
    ),
    claude: field(
      z.strictObject(PlanHandSettings.shape).nullish(),
      "how the hand `claude` works ([claude.md](claude.md)); a task's own settings go before these",
    ),
    prices: field(
      prices.nullish(),
      "what models cost in US dollars, by their names, for a gateway whose prices Claude Code does not know ([claude.md](claude.md#prices-of-a-gateway))",
      "Claude Code's own count",
    ),
    provision: field(
      z.array(ProvisionEntry).max(MAX_PROVISION_STEPS).nullish(),
      `what each ship runs after its first checkout and before its first task ([below](#provision-steps)); at most ${MAX_PROVISION_STEPS} steps`,
    ),
    network: field(
      z
        .strictObject({
          allow: field(
            z.array(domain).max(MAX_DOMAINS),
            `domains: \`api.example.com\`, or \`*.example.com\` for all below one; at most ${MAX_DOMAINS}`,
          ),
        })
        .nullish(),
      "what each ship may reach ([below](#what-ships-may-reach))",
      "everything",
    ),
    github: field(
      z.boolean().nullish(),
      "whether the captain's GH_TOKEN goes to the hand `claude` on each ship ([below](#gh_token-on-ships))",
      "`false`",
    ),
    max_parallel_width: field(z.number().nullish(), "not read, as it is counted; a wrong number is a warning"),
    total_tasks: field(z.number().nullish(), "not read, as it is counted; a wrong number is a warning"),
    created: ignored(UNREAD),
    x: OWN,
  })
  .meta({ title: "voyage.json of a plan" });
export type PlanFile = z.infer<typeof PlanFile>;

/** The name of a format and the id that the task has there. Characters that are not seen are no part of either. */
const SOURCE = /^(?=.{1,200}$)[a-z][a-z0-9-]*:[^\s\p{C}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]+$/u;

/**
 * The ids that a task blocks, or is blocked by. tasks.ts checks each of them, and takes a list that is left out from
 * the other tasks' files.
 */
const edges = z.array(z.string()).nullish();
const FROM_OTHERS = "it follows from the other tasks' files";

/** A task's id. A file that leaves it out has that of its name. */
export const id = z.string().regex(new RegExp(`^\\d{1,${MAX_ID_DIGITS}}$`), {
  error: ({ input }) => `must be 1 to ${MAX_ID_DIGITS} digits in quotes, and is ${shown(input)}`,
});

export const Metadata = z.strictObject({
  check: field(
    command.nullish(),
    "shell command run after the commit, in the ship's tree; the task is accepted only with exit status 0",
  ),
  rehearsal: field(
    command.nullish(),
    "shell command that does the task when the hand is `rehearsal`; run by `bash -c` in the ship's tree with `TASK_ID`, `TASK_SUBJECT`, `SHIP`, `VOYAGE`; less than 128 KiB, as every command",
    "the task is walked through: claimed, noted, accepted",
  ),
  timeoutSeconds: field(
    seconds(MAX_TASK_TIMEOUT_SECONDS).nullish(),
    "after which the hand is stopped and the task released as failed; at most a week",
    "`timeoutSeconds` of voyage.json",
  ),
  tries: field(count(MAX_TRIES).nullish(), `failures after which the task is blocked and shown; at most ${MAX_TRIES}`, "3"),
  touches: field(
    Globs.nullish(),
    `globs of the paths in the repository that the task writes: \`*\`, \`?\`, \`**\` as a whole name, and a folder for all in it; at most ${MAX_TOUCHES}`,
    "`files`",
  ),
  files: field(
    Globs.nullish(),
    "paths that the task is about; a hint of what it touches",
    "what lines `Files: a.ts, src/b.ts` of the description name",
  ),
  estimateMinutes: field(
    z.number().positive().max(MAX_ESTIMATE_MINUTES).nullish(),
    "how long the task will take; at most a week",
  ),
  source: field(
    z
      .string()
      .regex(SOURCE, "must be where the task came from, such as spec-kit:T012, in at most 200 characters without spaces")
      .nullish(),
    "where an imported task came from, such as `spec-kit:T012`",
  ),
  claude: field(
    z.strictObject(HandSettings.shape).nullish(),
    "how the hand `claude` works this task ([claude.md](claude.md))",
    "`claude` of voyage.json",
  ),
  ship: ignored(UNREAD),
  voyage: ignored(UNREAD),
  x: OWN,
});

export const TaskFile = z
  .strictObject({
    $schema: SCHEMA,
    id: field(id.nullish(), "the task's id, which is the file's name", "the file's name"),
    subject: field(line.max(1000).nullish(), "what is to be done, in one line", "`title`, one of the two"),
    title: field(line.max(1000).nullish(), "the subject by its other name, which goes before `subject`"),
    description: field(text, "all that who does it must know"),
    activeForm: field(text.nullish(), "the subject as what is being done: Counting the languages"),
    status: field(
      z
        .literal("pending", {
          error: ({ input }) => `must be "pending", as a plan has no started tasks, and is ${shown(input)}`,
        })
        .nullish(),
      "only `pending`, as a plan has no started tasks",
    ),
    blockedBy: field(edges, "the ids of the tasks that must be done first", FROM_OTHERS),
    blocks: field(edges, "the ids of the tasks that wait for this one", FROM_OTHERS),
    metadata: field(Metadata.nullish(), "how the task is done and judged"),
    owner: ignored(UNREAD),
    created: ignored(UNREAD),
    updated: ignored(UNREAD),
  })
  .refine((task) => (task.title ?? task.subject) != null, {
    path: ["subject"],
    error: "is missing",
    // Without this, zod would not look for a missing subject in a task that has other problems too.
    when: ({ value }) => typeof value === "object" && value !== null,
  })
  .meta({
    title: "a task of a plan",
    anyOf: ["subject", "title"].map((name) => ({ required: [name], properties: { [name]: { type: "string" } } })),
  });
export type TaskFile = z.infer<typeof TaskFile>;

const edgeParts = z.array(z.string().nullable().catch(null)).nullish().catch(null);
/**
 * Those parts of a task's file that other findings hang on, each where it is right by itself: what is wrong in the rest
 * of the file does not hide what is wrong with the graph or a command. An edge that is no text holds its place as null.
 */
export const TaskParts = z.object({
  id: id.nullish().catch(null),
  blocks: edgeParts,
  blockedBy: edgeParts,
  metadata: z
    .object({ rehearsal: command.nullish().catch(null), check: command.nullish().catch(null) })
    .catch({ rehearsal: null, check: null }),
});
export type TaskParts = z.infer<typeof TaskParts>;

/** The same parts of voyage.json. A `repo` that is wrong is null, and no further finding hangs on it. */
export const PlanParts = z.object({
  repo: z.preprocess((repo) => repo ?? undefined, repoField.optional().nullable().catch(null)),
  max_parallel_width: z.number().nullish().catch(null),
  total_tasks: z.number().nullish().catch(null),
  provision: z.array(ProvisionEntry.nullable().catch(null)).nullish().catch(null),
});
export type PlanParts = z.infer<typeof PlanParts>;
