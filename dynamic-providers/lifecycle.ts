import type { z } from "zod";

/** What the stack's configuration says to a lifecycle: never inputs, so never in state. */
export type Settings = {
  spritesToken?: string | undefined;
  /** Credentials of the hand claude. */
  claudeToken?: string | undefined;
  /** Of Tailscale's API; else OCAPTAIN_TAILSCALE_OAUTH_SECRET (lib/tailnet/control/settings.ts). */
  tailscaleOauthSecret?: string | undefined;
  /** Set: the tailnet is a Headscale's. */
  headscaleUrl?: string | undefined;
  headscaleApiKey?: string | undefined;
  /** "own": this project runs the captain's tailscaled. */
  captainNode?: string | undefined;
  /** "false": the captain's folder goes at destroy. */
  keepWorkspace?: string | undefined;
  /** Names of ships (comma or JSON list) whose work may be lost at destroy. */
  abandonUnsynced?: string | undefined;
  /** "true": harbor ships run without bubblewrap. */
  unconfined?: string | undefined;
  /** Id of the captain whose voyage this machine takes over. */
  handover?: string | undefined;
  /** Id of a voyage that has sunk, in whose place another one begins. */
  beginAnew?: string | undefined;
  /** Id of a voyage at sea whose state was lost, and that this state takes on. */
  adopt?: string | undefined;
  /** The organisation of sprites.dev that is meant; else OCAPTAIN_SPRITES_ORG. */
  spritesOrg?: string | undefined;
};

/**
 * One resource kind as reconcile, read and remove (design 3).
 *
 * - `reconcile` serves create, update and repair alike: observe, ensure, sync. It may be run again at any time.
 * - `read` changes nothing, wakes no ship, and does not throw because a local service is down. `null` = gone; else the properties as seen,
 *   with `present: false` when something is missing that `reconcile` will put right.
 * - `remove` is quiet when there is nothing, and does nothing to another incarnation.
 */
export interface Lifecycle<Inputs extends { stack: string }, Outputs> {
  inputs: z.ZodObject;
  /** The resource's id in Pulumi. */
  id(news: Inputs): string;
  /** Inputs that make another thing of it; always deleted before it is replaced. */
  replaceOn: readonly (keyof Inputs & string)[];
  /** Inputs that are what they were unless it turns out otherwise: while a preview does not know them yet, it draws no change for them. */
  steady?: readonly (keyof Inputs & string)[];
  /** Inputs that cannot change while the resource is there: a change is refused, in preview too. */
  fixed?: readonly (keyof Inputs & string)[];
  /** Throws what must be refused before anything is made, in a preview too; `olds` are inputs, and null for what the state does not know. Only looks. */
  admit?(settings: Settings, news: Inputs, olds: Partial<Inputs> | null): Promise<void>;
  reconcile(settings: Settings, news: Inputs, olds: Partial<Inputs & Outputs & Present> | null): Promise<Outputs>;
  read(settings: Settings, props: Inputs & Outputs & Present): Promise<(Inputs & Outputs & Present) | null>;
  remove(settings: Settings, props: Inputs & Outputs & Present): Promise<void>;
}

export type Present = { present: boolean };

/** Any lifecycle, as the host's table holds it. */
export type AnyLifecycle = Lifecycle<{ stack: string }, object>;

/** Keeps a lifecycle's own types while it is written and gives the table's. */
export function defineLifecycle<Inputs extends { stack: string }, Outputs extends object>(
  lifecycle: Lifecycle<Inputs, Outputs>,
): AnyLifecycle {
  return lifecycle as unknown as AnyLifecycle;
}

/** Something was made but is not whole: recorded as partly created, so that `destroy` and the next `up` know of it (design 3). */
export class PartlyMade extends Error {
  readonly outputs: object;

  constructor(outputs: object, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.outputs = outputs;
  }
}
