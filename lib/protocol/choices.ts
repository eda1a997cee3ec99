import { z } from "zod";

/** The service that makes a voyage's ships: the harbor on the captain's machine, or sprites.dev. */
export const ProviderKind = z.enum(["harbor", "sprites"]);
export type ProviderKind = z.infer<typeof ProviderKind>;

/** What does a voyage's tasks: `rehearsal` runs the task's own command, and `claude` is Claude Code. */
export const HandKind = z.enum(["rehearsal", "claude"]);
export type HandKind = z.infer<typeof HandKind>;

/**
 * What of Claude Code's telemetry is collected where that is not the usual: nothing, or also what prompts, answers and
 * tools say.
 */
export const TelemetryChoice = z.enum(["off", "contents"]);
export type TelemetryChoice = z.infer<typeof TelemetryChoice>;

/** The control plane of a tailnet: Tailscale's own service, or a Headscale. */
export const TailnetKind = z.enum(["tailscale", "headscale"]);
export type TailnetKind = z.infer<typeof TailnetKind>;

/** How captain and ships reach each other: by the provider's own means (`none`), or over a tailnet of either kind. */
export const Mesh = z.enum(["none", "tailscale"]);
export type Mesh = z.infer<typeof Mesh>;
