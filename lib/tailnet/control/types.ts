import type { TailnetKind } from "../../protocol/choices.ts";

/** A tailnet's control plane as the product uses it: Tailscale's own service, or a Headscale. */

/** The tag of every ship. Rules of a tailnet's policy go by it (home-port). */
export const SHIP_TAG = "tag:ocaptain-ship";

/** The tag of a captain's own node (`ocaptain:captainNode: own`); a machine that joined by itself has whatever its owner gave it. */
export const CAPTAIN_TAG = "tag:ocaptain-captain";

/** How long a key can be used to join, seconds, at most; at Headscale up to 5 minutes less (key-marks.ts). A ship joins within a minute or two, also on a slow line. */
export const KEY_LIFETIME_SECONDS = 15 * 60;

/** Whom a key is for. */
export type KeyOwner = { stack: string; voyageId: string; ship: string; incarnation: string };

/** A key to join with. `key` is a secret, told this once only. `expiresAt`: ISO 8601. */
export type MintedKey = { id: string; key: string; expiresAt: string };

/** A key as it can be looked at. `usable`: neither used nor expired nor revoked. */
export type KeyInfo = { id: string; usable: boolean; expiresAt: string };

/** One machine of the tailnet. */
export type TailnetNode = {
  id: string;
  /** The host name that the machine gives itself: the ship's. Another machine's may be the same. */
  hostname: string;
  /** The name that the tailnet gives it: the host name, or `<hostname>-1` … when that was taken. */
  name: string;
  /** The tailnet's, of Tailscale's service: what its machines' names end with. */
  domain?: string | undefined;
  /** IPv4 and IPv6, without a mask. */
  addresses: string[];
  tags: string[];
  /** Is it connected to the control plane? A node that sleeps is not. */
  online: boolean;
  /** ISO 8601; null when the control plane does not say. */
  lastSeen: string | null;
  createdAt: string | null;
  /** Its own key is past its time: it must join anew. Tagged nodes' keys have none, unless somebody has expired them. */
  expired: boolean;
};

/**
 * What is asked of a control plane. All calls are bounded, and repeated through passing weather.
 * @throws OcaptainError TAILNET_UNAUTHORIZED (secret refused), TAILNET_SCOPE (403, naming the scope), TAILNET_REFUSED (any other answer),
 *   TAILNET_UNREACHABLE (no answer), TAILNET_RATE_LIMITED. No message and no cause holds a secret.
 */
export interface TailnetControl {
  readonly kind: TailnetKind;
  /** For `tailscale up --login-server`; undefined is Tailscale's own. */
  readonly loginServer: string | undefined;
  /**
   * A key for one ship and one incarnation: single use, not ephemeral, tagged SHIP_TAG (or `tag`), pre-approved, living KEY_LIFETIME_SECONDS at most. One whose
   * answer was lost is found again and deleted, before another is minted.
   */
  mintKey(of: KeyOwner, tag?: string): Promise<MintedKey>;
  /** null: there is none (any more). */
  getKey(id: string): Promise<KeyInfo | null>;
  /** The voyage's keys that the control plane still lists, those of interrupted runs too. */
  listKeys(voyageId: string): Promise<KeyInfo[]>;
  /** Quiet when it is gone; leaves alone a key with this id that is not the voyage's. */
  deleteKey(id: string, voyageId: string): Promise<void>;
  /** Every machine of the tailnet that the secret may see. */
  listNodes(): Promise<TailnetNode[]>;
  /** Quiet when it is gone. The id must come from a node that is known to be ours. */
  deleteNode(id: string): Promise<void>;
  /** For preflight: does it answer, is the secret good, and does it reach for all of the above? Changes nothing. */
  probe(): Promise<void>;
}
