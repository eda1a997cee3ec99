import { z } from "zod";
import { TABLES } from "./schema.ts";

// What the helm and the telemetry process say to each other, over a unix socket of mode 0600: the helm hands on the
// bodies of requests as they came, and says in a header whose they are.

/** The most bytes that a body may have as it comes, compressed or not. */
export const MOST_BODY_BYTES = 8 * 1024 * 1024;
/** The header with the {@link Sender} of a body, as JSON in the letters of a URI. */
export const SENDER_HEADER = "x-ocaptain-sender";
/** The path at which the telemetry process takes a body of this table. */
export const takePath = (table: string) => `/take/${table}`;

/** Whose a request is: what the helm knows by the token that came with it, and by the ledger. */
export const Sender = z.object({
  /** The folder in which its rows are kept. */
  folder: z.string(),
  voyage: z.string().nullable(),
  ship: z.string().nullable(),
  task: z.string().nullable(),
  epoch: z.number().int().nullable(),
});
export type Sender = z.infer<typeof Sender>;

/** Why something that was sent is not kept. Each is counted (docs/telemetry.md#limits). */
export const DROP_REASONS = {
  malformed: "requests that were not OTLP",
  "too-big": "requests that were too big",
  "unknown-type": "requests of a type or compression that is not taken",
  "too-many": "records past what one request may have",
  "too-many-series": "points of metrics past what one day may have in series",
  rate: "requests of a sender that sent too fast; it was told to send them again",
  behind: "requests that came while the intake was away or behind; the sender was told to send them again",
  disk: "rows that were taken out, the oldest first, as their folder was full",
} as const;
export type DropReason = keyof typeof DROP_REASONS;
const Dropped = z.partialRecord(z.enum(Object.keys(DROP_REASONS) as [DropReason]), z.number());
export type Dropped = z.infer<typeof Dropped>;

/** What has become of what one voyage's ships, or the captain's programs, have sent since the intake counts. */
const FolderStatus = z.object({
  folder: z.string(),
  requests: z.number(),
  rows: z.partialRecord(z.enum(TABLES), z.number()),
  dropped: Dropped,
  lastAt: z.string().nullable(),
  /** What is on disk: files, and their bytes; and the rows that wait for the next file. */
  files: z.number(),
  bytes: z.number(),
  waiting: z.number(),
});
export type FolderStatus = z.infer<typeof FolderStatus>;

/** What the telemetry process tells of itself, or answers when it was asked to write what it has. */
export const IntakeStatus = z.object({ pid: z.number(), rssBytes: z.number(), folders: z.array(FolderStatus) });
export type IntakeStatus = z.infer<typeof IntakeStatus>;

/** What `ocaptain telemetry status` is told by the helm. */
export const TelemetryStatus = z.object({
  /** Null while no telemetry process runs: it is started when something comes. */
  intake: IntakeStatus.nullable(),
  /** What the helm itself has refused since it started. */
  refused: z.array(z.object({ folder: z.string(), dropped: Dropped })),
  /** Where programs of the captain's may send, and whether they need a token; null while they may not. */
  programs: z.object({ port: z.number(), needsToken: z.boolean() }).nullable(),
});
export type TelemetryStatus = z.infer<typeof TelemetryStatus>;

/** Asks the helm to take telemetry of the captain's programs, at this port of loopback. */
export const StartTelemetry = z.object({ port: z.number().int().min(1).max(65_535), needsToken: z.boolean() });
export type StartTelemetry = z.infer<typeof StartTelemetry>;
/** `token` is there when programs need one. */
export const TelemetryStarted = z.object({ port: z.number(), token: z.string().nullable() });
export type TelemetryStarted = z.infer<typeof TelemetryStarted>;
