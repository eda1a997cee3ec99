import type { z } from "zod";
import { nearest } from "./nearest.ts";

/** One thing that is wrong with what a person has written. */
export type InputProblem = {
  /** The field, such as `blockedBy[1]` or `metadata.check`. It is "" when the whole input is meant. */
  field: string;
  message: string;
};

type RawIssue = z.core.$ZodRawIssue;
/** Writes into a problem what is there. */
type Show = (value: unknown) => string;
type Options = {
  /**
   * Whether problems quote what is there, or say only of what kind it is, as is right for what may hold a secret.
   * @default true
   */
  quotes?: boolean;
};

/**
 * Checks what a person has written (a plan's files, a stack's configuration), or what another program has said, against
 * a schema. Each problem says what is expected and what is there, in words that need no knowledge of zod. A message of
 * the schema's own is kept as it is.
 */
export function checkInput<T extends z.ZodType>(
  schema: T,
  value: unknown,
  { quotes = true }: Options = {},
): { data: z.infer<T> } | { problems: InputProblem[] } {
  /** The keys that an object may have, by the object's path: zod's final issue does not tell them. */
  const known = new Map<string, string[]>();
  const parsed = schema.safeParse(value, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys") known.set(fieldOf(issue.path ?? []), keysOf(issue));
      return plainMessage(issue, quotes ? shown : kindOf);
    },
  });
  if (parsed.success) return { data: parsed.data };
  return { problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, known)) };
}

/**
 * Returns what another program has said, or throws what `refuse` makes of the reasons why it does not fit the schema.
 * The reasons quote nothing of it.
 */
export function fitOrThrow<T extends z.ZodType>(schema: T, value: unknown, refuse: (why: string) => Error): z.infer<T> {
  const checked = checkInput(schema, value, { quotes: false });
  if ("problems" in checked) throw refuse(formatProblems(checked.problems));
  return checked.data;
}

const MOST_NAMED = 5;

/**
 * Writes problems as one line, `epoch is missing; task.id must be text in quotes, and is a number`; of many, the first.
 */
export function formatProblems(problems: readonly InputProblem[]): string {
  const named = problems.slice(0, MOST_NAMED).map(({ field, message }) => (field ? `${field} ${message}` : `it ${message}`));
  const more = problems.length - named.length;
  return `${named.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

function problemsOf(issue: z.core.$ZodIssue, known: ReadonlyMap<string, string[]>): InputProblem[] {
  const field = fieldOf(issue.path);
  if (issue.code !== "unrecognized_keys") return [{ field, message: issue.message }];
  return issue.keys.map((key) => ({
    field: fieldOf([...issue.path, key]),
    message: unknownKey(key, known.get(field) ?? []),
  }));
}

/**
 * Says of a key that nobody reads which known key was probably meant, or else which there are. Where the key `x` is
 * known, it is the place for keys of a person's own.
 */
export function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  if (meant !== undefined) return `unknown; did you mean ${meant}?`;
  const names = known.filter((name) => name !== "x" && !name.startsWith("$")).join(", ");
  return `unknown; known here: ${names}${known.includes("x") ? "; what is your own goes under x" : ""}`;
}

/** Writes a path in an object for people: `metadata.claude.model`, `blockedBy[1]`. */
export const fieldOf = (path: readonly PropertyKey[]) =>
  path.reduce<string>(
    (field, key) => (typeof key === "number" ? `${field}[${key}]` : field ? `${field}.${String(key)}` : String(key)),
    "",
  );

/** Lists the keys of the object's schema, in its order, which is that of the documentation. */
const keysOf = (issue: RawIssue): string[] =>
  Object.keys((issue.inst as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def?.shape ?? {});

const KINDS: Record<string, string> = {
  string: "text in quotes",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  stringbool: "true or false",
  array: "a list, [...]",
  object: "an object, {...}",
  record: "an object, {...}",
};

function plainMessage(issue: RawIssue, show: Show): string | undefined {
  const { input } = issue;
  if (input === undefined && issue.code === "invalid_type") return "is missing";
  const and = `and is ${show(input)}`;
  switch (issue.code) {
    case "invalid_type":
      return `must be ${KINDS[issue.expected] ?? `a ${issue.expected}`}, ${and}`;
    case "invalid_value": {
      if ((issue as { expected?: string }).expected === "stringbool") return `must be true or false, ${and}`;
      const values = issue.values.map(String);
      const meant = typeof input === "string" ? nearest(input, values) : undefined;
      return `must be ${values.length > 1 ? "one of " : ""}${values.join(", ")}, ${and}${meant ? `; did you mean ${meant}?` : ""}`;
    }
    case "too_small":
      return `${bound(issue.origin, "at least", issue.inclusive === false, String(issue.minimum))}, ${andSize(issue.origin, input, show)}`;
    case "too_big":
      return `${bound(issue.origin, "at most", issue.inclusive === false, String(issue.maximum))}, ${andSize(issue.origin, input, show)}`;
    case "custom":
      return undefined;
    case "unrecognized_keys":
      return "has unknown keys";
    default:
      return `is not what is expected here, ${and}`;
  }
}

function bound(origin: string, limit: "at least" | "at most", strict: boolean, value: string): string {
  if (origin === "string") return `must have ${limit} ${value} characters`;
  if (origin === "array") return `must have ${limit} ${value} entries`;
  if (strict) return `must be ${limit === "at least" ? "more" : "less"} than ${value}`;
  return `must be ${limit} ${value}`;
}

function andSize(origin: string, input: unknown, show: Show): string {
  const { length } = input as { length?: number };
  return (origin === "string" || origin === "array") && length !== undefined ? `and has ${length}` : `and is ${show(input)}`;
}

/** Says of what kind a value is. Only a number is told itself. */
function kindOf(value: unknown): string {
  if (value === null || typeof value === "number") return String(value);
  if (typeof value === "object") return Array.isArray(value) ? "a list" : "an object";
  return typeof value === "boolean" ? "true or false" : "text";
}

const MOST_SHOWN = 60;

/**
 * Shows a value in a message, as JSON: so control characters can be seen and have no effect. Of a long value only the
 * beginning is shown.
 */
export function shown(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN - 1)}…`;
}
