import { z } from "zod";
import { OcaptainError } from "../base/errors.ts";

/**
 * A ship's reports of itself are a stranger's data: whoever is on the ship can put another program in the place of each
 * that we run there. So each fact passes one of these patterns before anything is done with it; they are as narrow as
 * what real ships say.
 */

/** The longest answer with facts that is read. */
const MOST_BYTES = 64 * 1024;

/**
 * The name of a user on a ship. Its first character is one that no command takes for an option, and none of its
 * characters has a meaning for a shell, ssh's configuration or a sync's address.
 */
export const UserName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/);
const PATH = "[\\p{L}\\p{N} @%+=,._~/-]";
/** A path on a ship, which is absolute and has no step up. */
export const ShipPath = z
  .string()
  .regex(new RegExp(`^/${PATH}{0,511}$`, "u"))
  .refine((path) => !path.split("/").includes(".."));
/** A list of folders as in the variable PATH. */
export const SearchPath = z.string().regex(new RegExp(`^(?:${PATH}|:){0,4096}$`, "u"));
/** A version such as `v24.1.0`, `2.43.0` or `git version 2.43.0 (Apple Git-1)`. */
export const Version = z.string().regex(/^[\w.+() -]{0,64}$/);
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** A node's id at its control plane, which has digits at Headscale, and letters and digits at Tailscale. */
export const NodeId = z.string().regex(/^[A-Za-z0-9]{1,64}$/);
/** A state of `tailscale status`: NeedsLogin, Running and so on. */
export const BackendState = z.string().regex(/^[A-Za-z]{1,32}$/);
export const IPv4 = z.ipv4();
/** A line of a known-hosts file, without the host. */
export const SshHostKey = z
  .string()
  .trim()
  .regex(/^(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{16,4096}={0,2}$/);

/**
 * Reads the facts from what a program of ours printed on a ship. @throws OcaptainError SHIP_FACTS naming the ship and
 * what is wrong, never what it said
 */
export function shipFacts<T extends z.ZodType>(sprite: string, schema: T, json: string): z.infer<T> {
  if (json.length > MOST_BYTES) throw refused(sprite, "an answer that is longer than any ship's");
  const parsed = schema.safeParse(parsedOf(json));
  if (parsed.success) return parsed.data;
  const fields = [...new Set(parsed.error.issues.map(({ path }) => path.join(".")))].filter(Boolean);
  throw refused(sprite, fields.length > 0 ? `${fields.join(", ")}: no ship's look like this` : "something else than its facts");
}

/** Gives the last line, which holds the facts, because a login may print lines of its own before it. */
export const lastLine = (stdout: string): string => stdout.slice(stdout.trimEnd().lastIndexOf("\n") + 1);

function parsedOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const refused = (sprite: string, what: string) =>
  new OcaptainError("SHIP_FACTS", `${sprite} reports ${what}; nothing of it was used`, {
    hint: "pulumi up  # again; where it stays so, do not trust this ship: pulumi destroy",
  });
