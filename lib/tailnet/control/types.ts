import type { TailnetKind } from "../../protocol/choices.ts";

/** A tailnet's control plane as the product uses it: Tailscale's own service, or a Headscale. */

/** The tag of every ship, by which the rules of the tailnet's policy go. */
export const SHIP_TAG = "tag:ocaptain-ship";

/**
 * The tag of a captain's own node (`ocaptain:captainNode: own`); a machine that joined by itself has whatever its owner
 * gave it.
 */
export const CAPTAIN_TAG = "tag:ocaptain-captain";

/**
 * The longest that a key can be used to join, in seconds; at Headscale it is up to 5 minutes less (key-marks.ts). A
 * ship joins within a minute or two.
 */
export const KEY_LIFETIME_SECONDS = 15 * 60;

/** The ship, and its incarnation, that a key is for. */
export type KeyOwner = { stack: string; voyageId: string; ship: string; incarnation: string };

/** A key to join with. `key` is a secret that is told only now; `expiresAt` is in ISO 8601. */
export type MintedKey = { id: string; key: string; expiresAt: string };

/** A key as the control plane tells of it. `usable` says that it is neither used nor expired nor revoked. */
export type KeyInfo = { id: string; usable: boolean; expiresAt: string };

/** A machine of the tailnet, as its control plane lists it. */
export type ListedNode = {
  id: string;
  /** The host name that the machine gives itself: the ship's. Another machine's may be the same. */
  hostname: string;
  /** The name that the tailnet gives it: the host name, or `<hostname>-1` … when that was taken. */
  name: string;
  /** The domain with which names of machines end at Tailscale's service. */
  domain?: string | undefined;
  /** IPv4 and IPv6, without a mask. */
  addresses: string[];
  tags: string[];
  /** Whether it is connected to the control plane. A node that sleeps is not. */
  online: boolean;
  /** ISO 8601; null when the control plane does not say. */
  lastSeen: string | null;
  createdAt: string | null;
  /**
   * Whether its own key has expired, so that it must join anew. Keys of tagged nodes do not expire, unless somebody
   * expires them.
   */
  expired: boolean;
};

/**
 * A control plane. All calls are bounded, and repeated through passing trouble at the service.
 * @throws OcaptainError TAILNET_UNAUTHORIZED (secret refused), TAILNET_SCOPE (403, naming the scope), TAILNET_REFUSED
 *   (any other answer), TAILNET_UNREACHABLE (no answer), TAILNET_RATE_LIMITED. No message and no cause holds a secret.
 */
export interface TailnetControl {
  readonly kind: TailnetKind;
  /** The URL for `tailscale up --login-server`; undefined for Tailscale's own service. */
  readonly loginServer: string | undefined;
  /**
   * Mints a key for one ship and one incarnation: for a single use, not ephemeral, tagged SHIP_TAG (or `tag`),
   * pre-approved, living KEY_LIFETIME_SECONDS at most. When the answer is lost, the key is found again and deleted
   * before another is minted.
   */
  mintKey(of: KeyOwner, tag?: string): Promise<MintedKey>;
  /** Reads a key; null when there is none, or none any more. */
  getKey(id: string): Promise<KeyInfo | null>;
  /** The voyage's keys that the control plane still lists, those of interrupted runs too. */
  listKeys(voyageId: string): Promise<KeyInfo[]>;
  /** Deletes a key. Quiet when it is gone; a key with this id that is not the voyage's is left alone. */
  deleteKey(id: string, voyageId: string): Promise<void>;
  /** Every machine of the tailnet that the secret may see. */
  listNodes(): Promise<ListedNode[]>;
  /** Removes a machine. Quiet when it is gone. The id must come from a node that is known to be ours. */
  deleteNode(id: string): Promise<void>;
  /** Checks that the service answers and that the secret is good for all of the above. It changes nothing. */
  probe(): Promise<void>;
}
