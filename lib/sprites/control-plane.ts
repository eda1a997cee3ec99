import { OcaptainError } from "../base/errors.ts";
import {
  errorText,
  type Http,
  type HttpReply,
  isTransient,
  LOOK_AGAIN_MS,
  sleep,
  steady,
  Unreachable,
} from "../base/http-call.ts";
import { expect, jsonOf, refused, spritePath } from "./calls.ts";
import type { Organisation } from "./organisation.ts";
import type { SpriteInfo, SpritesClient } from "./types.ts";

/** Making, finding and deleting sprites (facts: sprites §3). Nothing here wakes one. */

/** Not idempotent at the vendor: a lost answer is looked for by name before it is asked again (facts: sprites §3.1). */
export async function create(http: Http, self: SpritesClient, name: string, labels: string[]): Promise<SpriteInfo> {
  let trouble = "";
  for (let attempt = 0; attempt < 3; attempt++) {
    const reply = await http({ method: "POST", path: "/v1/sprites", json: { name, labels }, timeoutMs: 120_000 }).catch(
      (error: unknown) => {
        if (error instanceof Unreachable) return error;
        throw error;
      },
    );
    const taken =
      !(reply instanceof Unreachable) &&
      (reply.status === 409 || (reply.status === 400 && errorText(reply).includes("already exists")));
    if (!(reply instanceof Unreachable)) {
      if (reply.status === 201 || reply.status === 200) return ownLabels(self, sprite(reply), labels);
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

/** Ours only by our labels: a thing that exists and is not ours is a conflict, never adopted (design 3). */
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

/** Labels given at create were not always applied (facts: sprites §3.1): read back, then set. */
async function ownLabels(self: SpritesClient, made: SpriteInfo, labels: string[]): Promise<SpriteInfo> {
  return labels.every((label) => made.labels.includes(label)) ? made : self.setLabels(made.name, labels);
}

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

/** What a list says of whose it is, for a token that does not tell: as recorded, at its top and below `org`. */
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

/** @param looked is told whose list it was, by each page, before any of it counts */
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
    token = body.next_continuation_token ?? null; // `has_more` lies; the token does not (facts: sprites §3.2)
    if (!token) return names;
  }
  throw new OcaptainError("LIST_ENDLESS", `the list of sprites named ${prefix}* does not end`);
}

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

export async function setLabels(http: Http, name: string, labels: string[]): Promise<SpriteInfo> {
  const reply = await steady(http, { method: "PUT", path: spritePath(name), json: { labels }, timeoutMs: 15_000 });
  return sprite(expect(reply, `label ${name}`));
}

/** 404, 410, and the recorded 500s for a name that is not there (facts: sprites §3.3, §3.5). */
const missing = (reply: HttpReply) =>
  reply.status === 404 ||
  reply.status === 410 ||
  (reply.status === 500 && /failed to (retrieve|delete) sprite/.test(errorText(reply)));

function sprite(reply: HttpReply): SpriteInfo {
  const raw = jsonOf<SpriteInfo>(reply, "read a sprite");
  // It becomes the name of folders, and part of labels.
  if (!SPRITE_ID.test(raw.id)) throw new OcaptainError("SPRITES_REFUSED", "the provider names a sprite by an id that is none");
  return { id: raw.id, name: raw.name, status: raw.status, url: raw.url ?? "", labels: raw.labels ?? [] };
}

const SPRITE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
