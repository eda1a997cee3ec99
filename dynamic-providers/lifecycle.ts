import type { z } from "zod";

/**
 * The part of the stack's configuration that lifecycles read. It is no input of a resource, and so is never in state.
 */
export type Settings = {
  /** The folder of the plan, counted from the project's; absent in a sail without a plan. */
  plan?: string | undefined;
  /** The author of commits, as `Name <mail>`; else the captain's own identity. */
  author?: string | undefined;
  /** "true" when the author signs each commit off. */
  signOff?: string | undefined;
  /** The token of sprites.dev; else SPRITE_TOKEN. */
  spritesToken?: string | undefined;
  /** The credentials of the hand claude. */
  claudeToken?: string | undefined;
  /** The secret of an OAuth client of Tailscale; else OCAPTAIN_TAILSCALE_OAUTH_SECRET. */
  tailscaleOauthSecret?: string | undefined;
  /** The targets of notices, as JSON. */
  notify?: string | undefined;
  /** When it is set, the tailnet's control plane is the Headscale at this URL. */
  headscaleUrl?: string | undefined;
  /** The API key of that Headscale; else HEADSCALE_API_KEY. */
  headscaleApiKey?: string | undefined;
  /** "own" when this project runs the captain's tailscaled. */
  captainNode?: string | undefined;
  /** "false" when a destroy deletes the captain's folder. */
  keepWorkspace?: string | undefined;
  /** Names of ships, by comma or as a JSON list, whose work may be lost at a destroy. */
  abandonUnsynced?: string | undefined;
  /** "true" when harbor ships run without bubblewrap. */
  unconfined?: string | undefined;
  /** The id of the captain whose voyage this machine takes over. */
  handover?: string | undefined;
  /** The id of a voyage that has sunk, in whose place another one begins. */
  beginAnew?: string | undefined;
  /** The id of a voyage at sea whose state was lost, and which this state takes on. */
  adopt?: string | undefined;
  /** The organisation of sprites.dev that the token must belong to; else OCAPTAIN_SPRITES_ORG. */
  spritesOrg?: string | undefined;
};

/** The keys of these settings in the stack's configuration. */
const SETTING_KEYS = [
  ...["spritesToken", "claudeToken", "tailscaleOauthSecret", "headscaleApiKey", "notify"],
  ...["headscaleUrl", "captainNode", "keepWorkspace", "abandonUnsynced", "unconfined", "handover", "beginAnew", "adopt"],
  ...["spritesOrg", "plan", "author", "signOff"],
] as const satisfies readonly (keyof Settings)[];

/** Reads what lifecycles may know of the stack's configuration, as Pulumi gives it to a provider. */
export const readSettings = (config: { get(key: string): string | undefined }): Settings =>
  Object.fromEntries(SETTING_KEYS.map((key) => [key, config.get(`ocaptain:${key}`) || undefined]));

/**
 * One resource kind (docs/design.md#reconcile).
 *
 * - `reconcile` serves create, update and repair alike: it looks at what is there, makes what is missing, and changes
 *   what differs. It may be run again at any time.
 * - `read` changes nothing, wakes no ship, and does not throw because a local service is down. It answers null when the
 *   resource is gone; else the properties as seen, with `present: false` when something is missing that `reconcile`
 *   will put right.
 * - `remove` is quiet when there is nothing to remove, and does nothing to another incarnation.
 */
export interface Lifecycle<Inputs extends { stack: string }, Outputs> {
  /** The schema of the inputs, which the host parses by. */
  inputs: z.ZodObject;
  /** Names the resource in Pulumi: the resource's id. */
  id(news: Inputs): string;
  /** Inputs whose change makes another thing of the resource: the old one is deleted before the new one is made. */
  replaceOn: readonly (keyof Inputs & string)[];
  /** Inputs that mostly stay what they were: while a preview does not know them yet, it draws no change for them. */
  steady?: readonly (keyof Inputs & string)[];
  /** Inputs that cannot change while the resource is there: a change is refused, in a preview too. */
  fixed?: readonly (keyof Inputs & string)[];
  /** The properties of a state that an earlier version wrote, as this one would have written the same. */
  asNow?(olds: Record<string, unknown>): Record<string, unknown>;
  /**
   * Looks, and throws what must be refused before anything is made, in a preview too. `olds` are the inputs of state;
   * null when the state does not know the resource.
   */
  admit?(settings: Settings, news: Inputs, olds: Partial<Inputs> | null): Promise<void>;
  /**
   * Tells in a sentence what work on ships a change from `olds` to `news` would stop; null when it stops none. It looks
   * and changes nothing, and what cannot be asked is left unsaid. Inputs that a preview does not know yet are left out.
   */
  interrupts?(news: Partial<Inputs>, olds: Partial<Inputs>): Promise<string | null>;
  reconcile(settings: Settings, news: Inputs, olds: Partial<Inputs & Outputs & Present> | null): Promise<Outputs>;
  read(settings: Settings, props: Inputs & Outputs & Present): Promise<(Inputs & Outputs & Present) | null>;
  remove(settings: Settings, props: Inputs & Outputs & Present): Promise<void>;
}

/** `false` for a resource that was made and is not whole. */
export type Present = { present: boolean };

/** A lifecycle of any kind, as the host's table holds it. */
export type AnyLifecycle = Lifecycle<{ stack: string }, object>;

/** Checks a lifecycle by its own types and gives it the table's. */
export function defineLifecycle<Inputs extends { stack: string }, Outputs extends object>(
  lifecycle: Lifecycle<Inputs, Outputs>,
): AnyLifecycle {
  return lifecycle as unknown as AnyLifecycle;
}

/**
 * Says that something was made but is not whole. The host has it recorded as partly created, so that `destroy` and the
 * next `up` know of it (docs/facts/pulumi.md#errors).
 */
export class PartlyMade extends Error {
  readonly outputs: object;

  constructor(outputs: object, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.outputs = outputs;
  }
}
