import { pause } from "../sprites/clock.ts";
import type { HarborShip } from "../sprites/ship.ts";
import type { SpriteRecord } from "../sprites/sprite-records.ts";
import type { ApiCall } from "./call.ts";
import { tooManyCreated } from "./limit-replies.ts";
import { readJson, reply, replyJson } from "./replies.ts";

/**
 * Create, list, read, update and delete, as docs/facts/sprites.md#control-plane describes them. None of them wakes a
 * sprite.
 */

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const ORGANISATION = "harbor";
const PAGE_MAX = 50;

export const notFound = { error: "sprite not found" };

function view(ship: HarborShip): Record<string, unknown> {
  const { record } = ship;
  return {
    id: record.id,
    name: record.name,
    status: ship.status,
    url: `https://${record.name}-local.harbor.invalid`,
    url_settings: record.urlSettings,
    organization: ORGANISATION,
    version: null,
    environment_version: null,
    labels: record.labels,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
    last_running_at: record.lastRunningAt,
    last_warming_at: record.lastWarmingAt,
  };
}

type Wanted = Partial<Pick<SpriteRecord, "labels" | "urlSettings">>;

/** The settings that a body asks for, or the vendor's words for what is wrong with them. */
function wanted(body: Record<string, unknown>): Wanted | { errors: string[] } {
  const result: Wanted = {};
  if (body.labels !== undefined) {
    if (!Array.isArray(body.labels) || body.labels.some((label) => typeof label !== "string"))
      return { errors: ["labels must be strings"] };
    result.labels = body.labels as string[];
  }
  if (body.url_settings !== undefined) {
    const settings = body.url_settings as SpriteRecord["urlSettings"] | null;
    if (settings?.auth !== "sprite" && settings?.auth !== "public")
      return { errors: ["invalid auth type, must be one of: sprite, public"] };
    result.urlSettings = { auth: settings.auth, ...(settings.private_access ? { private_access: settings.private_access } : {}) };
  }
  return result;
}

/** Serves `POST /v1/sprites`: 201, 400, or 409 for a taken name. */
export async function createSprite(call: ApiCall): Promise<void> {
  const { response, ships, fault } = call;
  const body = (await readJson(call.request)) ?? {};
  const settings = wanted(body);
  if (typeof body.name !== "string" || !NAME.test(body.name))
    return replyJson(response, 400, { errors: ["invalid sprite name format"] });
  if ("errors" in settings) return replyJson(response, 400, settings);
  const waitMs = ships.get(body.name) ? 0 : ships.settings.account.create(ships.settings.clock.now());
  if (waitMs > 0) return tooManyCreated(response, ships.settings.account.limits, Math.ceil(waitMs / 1000));
  const ship = ships.create(body.name, fault?.kind === "forgets-labels" ? { ...settings, labels: [] } : settings);
  if (!ship) {
    const error = `A sprite named '${body.name}' already exists. Please choose a different name.`;
    return replyJson(response, fault?.kind === "taken-is-400" ? 400 : 409, { error });
  }
  await pause(ships.settings.clock, ships.settings.latency.createMs);
  replyJson(response, 201, view(ship));
}

/**
 * Serves `GET /v1/sprites`. As at the vendor, `has_more` is true on the last page too: only the token says that there
 * is more.
 */
export async function listSprites({ response, ships, query }: ApiCall): Promise<void> {
  const size = Number(query.get("max_results") ?? PAGE_MAX);
  if (!Number.isInteger(size) || size < 1 || size > PAGE_MAX)
    return replyJson(response, 400, { errors: ["max_results must be 1 to 50"] });
  const prefix = query.get("prefix") ?? "";
  const after = Buffer.from(query.get("continuation_token") ?? "", "base64url").toString();
  const all = ships.all();
  const rest = all.filter(({ record }) => record.name.startsWith(prefix) && record.name > after);
  const page = rest.slice(0, size);
  const counts = { running: 0, warm: 0, cold: 0 };
  for (const ship of all) counts[ship.status]++;
  const organisation = { name: ORGANISATION, ...counts, running_limit: ships.settings.account.limits.running, warm_limit: 1000 };
  replyJson(response, 200, {
    sprites: page.map(view),
    has_more: true,
    next_continuation_token: rest.length > size ? Buffer.from(page.at(-1)!.record.name).toString("base64url") : null,
    ...organisation,
    org: organisation,
  });
}

/** Serves `GET /v1/sprites/{name}`. */
export async function getSprite({ response, fault }: ApiCall, ship: HarborShip | undefined): Promise<void> {
  if (ship) return replyJson(response, 200, view(ship));
  if (fault?.kind === "legacy-500") return replyJson(response, 500, { error: "failed to retrieve sprite" });
  replyJson(response, 404, notFound);
}

/** Serves `PUT /v1/sprites/{name}`, which changes labels and url_settings, each only when it is given. */
export async function updateSprite(call: ApiCall, ship: HarborShip | undefined): Promise<void> {
  if (!ship) return replyJson(call.response, 404, notFound);
  const body = (await readJson(call.request)) ?? {};
  const settings = wanted(body);
  if ("errors" in settings) return replyJson(call.response, 400, settings);
  call.ships.update(ship, settings);
  replyJson(call.response, 200, view(ship));
}

/** Serves `DELETE /v1/sprites/{name}`, with 204 when nothing of the sprite is left. */
export async function deleteSprite({ response, ships, fault }: ApiCall, ship: HarborShip | undefined): Promise<void> {
  if (!ship && fault?.kind === "legacy-500") return replyJson(response, 500, { error: "failed to delete sprite" });
  if (!ship) return replyJson(response, 404, notFound);
  await ships.remove(ship);
  reply(response, 204);
}
