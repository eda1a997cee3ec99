import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { shared } from "../../lib/base/single-flight.ts";

/** How long the token of a first address is good, in ms: long enough to carry it to another window. */
const INVITATION_MS = 10 * 60_000;
/** How many first addresses are good at a time, the newest. */
const MOST_INVITATIONS = 20;
/** How long a browser that is not seen is known, in ms. */
export const SESSION_MS = 30 * 24 * 60 * 60_000;
/** How many browsers are known at a time, those that were seen last. */
const MOST_SESSIONS = 20;
/** How exactly it is noted when a browser was seen last, in ms. */
const SEEN_MS = 60 * 60_000;

/** What is kept of the page beyond the life of a helm. Of secrets there are digests only. */
const Kept = z.object({
  /** Where the page is served on loopback: a browser that has it open finds it there again. */
  port: z.int().min(0).max(65_535).default(0),
  /** Whether a helm serves the page from its start on, because the captain has asked for it. */
  isOpen: z.boolean().default(false),
  /** The captain's address in a tailnet, where the page is served too; `tun`: a kernel interface has it. */
  tailnet: z.object({ address: z.string(), tun: z.boolean() }).nullable().default(null),
  sessions: z.array(z.object({ digest: z.string(), seenAt: z.number() })).default([]),
});
type Kept = z.infer<typeof Kept>;

/**
 * Who may look at the page: whoever brings the token of a first address gets a cookie for it, which is good from then
 * on. Both are known by their digests.
 */
export class Admission {
  readonly #file: string;
  readonly #wallMs: () => number;
  /** Until when each token is good, by its digest, the oldest first. They are forgotten with the helm. */
  readonly #invitations = new Map<string, number>();
  #kept: Kept = Kept.parse({});
  #saved: Promise<void> = Promise.resolve();
  /** One write at a time, of what is known by then: none that began earlier can end later, and bring a session back. */
  readonly #write = shared(() => writeAtomically(this.#file, `${JSON.stringify(this.#kept, null, 2)}\n`, 0o600));

  /** @param file where it is kept, with mode 0600 */
  constructor(file: string, wallMs: () => number = Date.now) {
    this.#file = file;
    this.#wallMs = wallMs;
  }

  /** Reads what an earlier helm has kept. A broken file counts as none: the captain asks for the page again. */
  async load(): Promise<Readonly<Kept>> {
    if (existsSync(this.#file)) {
      const text = await readFile(this.#file, "utf8");
      this.#kept = Kept.safeParse(parsed(text)).data ?? this.#kept;
    }
    return this.#kept;
  }

  get kept(): Readonly<Kept> {
    return this.#kept;
  }

  /** Keeps where the page is served. */
  async keep(where: Partial<Pick<Kept, "port" | "isOpen" | "tailnet">>): Promise<void> {
    this.#kept = { ...this.#kept, ...where };
    await this.#save();
  }

  /** Makes a token for a first address: good once, and for ten minutes. */
  invite(): string {
    const token = randomBytes(32).toString("base64url");
    this.#invitations.set(digestOf(token), this.#wallMs() + INVITATION_MS);
    for (const oldest of this.#invitations.keys()) {
      if (this.#invitations.size <= MOST_INVITATIONS) break;
      this.#invitations.delete(oldest);
    }
    return token;
  }

  /** Takes a token for the cookie of a new session; null when it was used, is too old, or is none. */
  async enter(token: string): Promise<string | null> {
    const digest = digestOf(token);
    const until = this.#invitations.get(digest) ?? 0;
    this.#invitations.delete(digest);
    if (until <= this.#wallMs()) return null;
    const cookie = randomBytes(32).toString("base64url");
    const sessions = [{ digest: digestOf(cookie), seenAt: this.#wallMs() }, ...this.#kept.sessions];
    this.#kept = { ...this.#kept, sessions: sessions.sort((a, b) => b.seenAt - a.seenAt).slice(0, MOST_SESSIONS) };
    await this.#save();
    return cookie;
  }

  /** Whether a cookie is that of a session. */
  knows(cookie: string): boolean {
    const now = this.#wallMs();
    const digest = digestOf(cookie);
    const session = this.#kept.sessions.find((each) => each.digest === digest);
    if (!session || session.seenAt + SESSION_MS <= now) return false;
    if (now - session.seenAt > SEEN_MS) {
      session.seenAt = now;
      void this.#save().catch(() => {}); // On a full disk it is noted the next time.
    }
    return true;
  }

  /** Ends all sessions and first addresses: every browser has to be let in anew. */
  async forget(): Promise<void> {
    this.#invitations.clear();
    this.#kept = { ...this.#kept, sessions: [] };
    await this.#save();
  }

  /** Resolves when no write is under way any more. */
  saved(): Promise<void> {
    return this.#saved;
  }

  #save(): Promise<void> {
    const saving = this.#write();
    this.#saved = saving.catch(() => {});
    return saving;
  }
}

/**
 * The token that each order of a session must bring in a header. It is made from the cookie, which no other page can
 * read.
 */
export const actionToken = (cookie: string): string => digestOf(`orders of ${cookie}`);

/** Whether two texts are the same, in a time that tells nothing of where they differ. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a!, b!);
}

const digestOf = (secret: string) => createHash("sha256").update(secret).digest("hex");

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
