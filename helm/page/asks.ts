import { z } from "zod";
import { MOST_ANSWER, type PageAction } from "../../lib/watch/page-api.ts";

/** What the page may ask (lib/watch/page-api.ts), as it is checked where it comes in. */

const Task = z.string().min(1).max(20);

export const Action = z.discriminatedUnion("action", [
  z.strictObject({
    action: z.literal("answer"),
    task: Task,
    epoch: z.int().positive().optional(),
    text: z.string().min(1).max(MOST_ANSWER),
  }),
  z.strictObject({ action: z.literal("retry"), task: Task }),
  z.strictObject({ action: z.literal("verify") }),
  z.strictObject({ action: z.literal("lift-limits") }),
  z.strictObject({ action: z.literal("release"), task: Task, reason: z.string().max(500).optional() }),
  z.strictObject({ action: z.literal("pause"), withinSeconds: z.number().nonnegative().max(8_640_000).optional() }),
  z.strictObject({ action: z.literal("resume") }),
  z.strictObject({ action: z.literal("budget"), usd: z.number().positive().max(1_000_000) }),
  z.strictObject({ action: z.literal("sink") }),
]) satisfies z.ZodType<PageAction>;

export const EventsAsk = z.object({
  after: z.coerce.number().int().nonnegative().optional(),
  before: z.coerce.number().int().nonnegative().optional(),
  limit: z.coerce.number().int().positive().max(1_000).default(200),
});

/** `text` is looked for in each line, whatever the case. */
export const LogsAsk = z.object({
  ship: z.string().min(1).max(100).optional(),
  task: z.string().min(1).max(20).optional(),
  text: z.string().min(1).max(200).optional(),
  lines: z.coerce.number().int().positive().max(5_000).default(500),
  cursor: z.string().min(1).max(100).optional(),
});
