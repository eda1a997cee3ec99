import { OcaptainError } from "../base/errors.ts";
import {
  errorText,
  type Http,
  type HttpReply,
  type HttpRequest,
  isTransient,
  LOOK_AGAIN_MS,
  sleep,
  steady,
  Unreachable,
} from "../base/http-call.ts";
import { said } from "../base/text.ts";
import { expect, jsonOf, refused, spritePath } from "./calls.ts";
import type { Organisation } from "./organisation.ts";
import type { SpriteInfo, SpritesClient } from "./types.ts";

/** Makes, finds and deletes sprites, by the calls of docs/facts/sprites.md#control-plane. None of them wakes one. */

/**
 * How long a create waits its turn in all. An account may make ten sprites a minute, and all ships of a large fleet ask
 * at the same time.
 */
const CREATE_BUDGET_MS = 30 * 60_000;

/**
 * Creates a sprite. At the vendor this may not be repeated blindly, so after a lost answer the sprite is looked for by
 * name first.
 */
export async function create(
  http: Http,
  self: SpritesClient,
  name: string,
  labels: string[],
  onWait?: (text: string) => void,
  also: string[] = [],
): Promise<SpriteInfo> {
  const all = [...labels, ...also];
  let trouble = "";
  const request: HttpRequest = {
    ...{ method: "POST", path: "/v1/sprites", json: { name, labels: all }, timeoutMs: 120_000 },
    rateBudgetMs: CREATE_BUDGET_MS,
    onRateLimit: (ms) =>
      onWait?.(`the provider makes no more sprites for this account at present; waiting ${Math.ceil(ms / 1000)} s, as it asks`),
  };
  for (let attempt = 0; attempt < 3; attempt++) {
    const reply = await http(request).catch((error: unknown) => {
      if (error instanceof Unreachable) return error;
      throw error;
    });
    const taken =
      !(reply instanceof Unreachable) &&
      (reply.status === 409 || (reply.status === 400 && errorText(reply).includes("already exists")));
    if (!(reply instanceof Unreachable)) {
      if (reply.status === 201 || reply.status === 200) return ownLabels(self, sprite(reply), all);
      if (!taken && !isTransient(reply.status)) throw refused(`create ${name}`, reply);
    }
    trouble = reply instanceof Unreachable ? reply.message : errorText(reply);
    const found = await self.get(name);
    if (found) return owned(found, labels);
  }
  throw new OcaptainError("CREATE_FAILED", `sprite "${name}" could not be made in 3 attempts: ${trouble}`, {
    hint: "pulumi up  # it goes on where it stopped",
  });
}

/**
 * The sprite that was found, when all our labels are on it.
 * @throws OcaptainError CONFLICT: what is not ours is never adopted
 */
function owned(found: SpriteInfo, labels: string[]): SpriteInfo {
  if (labels.every((label) => found.labels.includes(label))) return found;
  throw new OcaptainError(
    "CONFLICT",
    `sprite "${found.name}" exists and is not this voyage's (its labels: ${found.labels.join(", ") || "none"})`,
    {
      hint: "destroy it at the provider if it is yours, or use another stack name",
    },
  );
}

/**
 * The sprite that was made, with its labels: the vendor did not always apply those given at create, so they are read
 * back, and set.
 */
async function ownLabels(self: SpritesClient, made: SpriteInfo, labels: string[]): Promise<SpriteInfo> {
  return labels.every((label) => made.labels.includes(label)) ? made : self.setLabels(made.name, labels);
}

/** Reads a sprite; null once it is believed gone: 404 twice, and not on the list. */
export async function get(http: Http, self: SpritesClient, name: string): Promise<SpriteInfo | null> {
  let absent = 0;
  for (const waitMs of [0, ...LOOK_AGAIN_MS]) {
    if (waitMs) await sleep(waitMs);
    const reply = await steady(http, { method: "GET", path: spritePath(name), timeoutMs: 15_000 }, (r) => r.status !== 500);
    if (reply.status === 200) return sprite(reply);
    if (!missing(reply)) throw refused(`read ${name}`, reply);
    absent = (await self.list(name)).includes(name) ? 0 : absent + 1;
    if (absent === 2) return null;
  }
  throw new OcaptainError("SPRITE_UNREADABLE", `sprite "${name}" is listed but cannot be read`, {
    hint: "pulumi refresh  # in a minute",
  });
}

/** The organisation that a list names, for a token that does not tell its own. */
export async function organisationOfAnswer(http: Http): Promise<Organisation> {
  let named: Organisation = {};
  await list(http, "no-such-sprite-", (organisation) => {
    named = organisation;
  });
  return named;
}

type Page = {
  sprites: { name: string }[];
  next_continuation_token?: string | null;
  name?: unknown;
  org?: { name?: unknown };
};

/**
 * Names of sprites by their prefix, from all pages. `looked` hears of each page whose it is, before its names count.
 */
export async function list(http: Http, prefix: string, looked: (of: Organisation) => void = () => {}): Promise<string[]> {
  const names: string[] = [];
  let token: string | null = null;
  for (let page = 0; page < 1000; page++) {
    const query = new URLSearchParams({ prefix, max_results: "50", ...(token ? { continuation_token: token } : {}) });
    const reply = expect(
      await steady(http, { method: "GET", path: `/v1/sprites?${query}`, timeoutMs: 15_000 }),
      `list ${prefix}*`,
    );
    const body = jsonOf<Page>(reply, `list ${prefix}*`);
    const name = body.org?.name ?? body.name;
    looked(typeof name === "string" && name.length <= 200 ? { name } : {});
    names.push(...body.sprites.map((row) => row.name).filter((name) => name.startsWith(prefix)));
    token = body.next_continuation_token ?? null; // not `has_more`, which is true on the last page too
    if (!token) return names;
  }
  throw new OcaptainError("LIST_ENDLESS", `the list of sprites named ${prefix}* does not end`);
}

/** Deletes a sprite, and looks until it is on the list no more. Quiet when it is gone already. */
export async function remove(http: Http, self: SpritesClient, name: string): Promise<void> {
  for (const waitMs of [0, ...LOOK_AGAIN_MS]) {
    if (waitMs) await sleep(waitMs);
    const reply = await steady(http, { method: "DELETE", path: spritePath(name), timeoutMs: 60_000 }, (r) => r.status !== 500);
    if (reply.status >= 300 && reply.status !== 410 && !missing(reply)) throw refused(`delete ${name}`, reply);
    if (!(await self.list(name)).includes(name)) return;
  }
  throw new OcaptainError("DELETE_FAILED", `sprite "${name}" is still listed after it was deleted`, {
    hint: "pulumi destroy  # again",
  });
}

/** Sets a sprite's labels. */
export async function setLabels(http: Http, name: string, labels: string[]): Promise<SpriteInfo> {
  const reply = await steady(http, { method: "PUT", path: spritePath(name), json: { labels }, timeoutMs: 15_000 });
  return sprite(expect(reply, `label ${name}`));
}

/** Whether a reply says that the sprite is not there: 404, 410, or the 500 that the vendor was seen to answer. */
const missing = (reply: HttpReply) =>
  reply.status === 404 ||
  reply.status === 410 ||
  (reply.status === 500 && /failed to (retrieve|delete) sprite/.test(errorText(reply)));

function sprite(reply: HttpReply): SpriteInfo {
  const raw = jsonOf<SpriteInfo>(reply, "read a sprite");
  // The id becomes the name of folders, and part of labels.
  if (!SPRITE_ID.test(raw.id))
    throw new OcaptainError(
      "SPRITES_REFUSED",
      `the id of sprite "${said(String(raw.name), 100)}" is not one that ocaptain can use as a folder's name`,
    );
  return { id: raw.id, name: raw.name, status: raw.status, url: raw.url ?? "", labels: raw.labels ?? [] };
}

const SPRITE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
