import { OcaptainError } from "../errors.ts";
import { ensureHarbor, harborOfKind, knownHarbor } from "../harbor-daemon.ts";
import { readExecStream } from "./exec-stream.ts";
import { errorText, type Http, isWeather, openHttp, type Reply, type Request } from "./http.ts";
import type { ExecResult, ProviderSettings, SpriteInfo, SpritesClient } from "./types.ts";

export const SPRITES_URL = "https://api.sprites.dev";
/** Waits between looks at a name that answers 404, or after weather: absence is believed after all of them (facts: sprites §3.3). */
const LOOK_AGAIN_MS = [200, 500, 1000];

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

/**
 * The sprites API of a provider. For the harbor without a `baseUrl` the running one is used, or one is started, so that a dead harbor
 * heals in every call that needs one (design 13).
 * @throws OcaptainError NO_TOKEN when sprites.dev has no token; HARBOR_* when the harbor cannot be started; `create` HARBOR_KIND.
 */
export async function openSprites(settings: ProviderSettings): Promise<SpritesClient> {
  if (settings.kind === "harbor" && !settings.baseUrl) return harborClient(settings.unconfined);
  const hint = "pulumi config set --secret ocaptain:spritesToken TOKEN  (or export SPRITE_TOKEN)";
  if (!settings.token) throw new OcaptainError("NO_TOKEN", `provider ${settings.kind} needs a token`, { hint });
  return client(openHttp((settings.baseUrl ?? SPRITES_URL).replace(/\/+$/, ""), settings.token, hint));
}

async function harborClient(unconfined: boolean | undefined): Promise<SpritesClient> {
  const self = client(await harborHttp(unconfined));
  const create: SpritesClient["create"] = async (name, labels) => {
    if (unconfined !== undefined && knownHarbor()?.unconfined !== unconfined) await harborOfKind(unconfined);
    return self.create(name, labels);
  };
  return { ...self, create };
}

/** Calls go straight to the harbor that is known; only one that is not there, or is another by now, is looked for or started. */
async function harborHttp(unconfined: boolean | undefined): Promise<Http> {
  const open = ({ url, token }: { url: string; token: string }) => openHttp(url, token, "npm run harbor");
  let http = open(knownHarbor() ?? (await ensureHarbor({ unconfined })));
  return async (request) => {
    try {
      return await http(request);
    } catch (error) {
      if (!notThere(error)) throw error;
      http = open(await ensureHarbor({ unconfined }));
      return http(request);
    }
  };
}

/** Nothing was done: nobody listened, or somebody else did. */
const notThere = (error: unknown) =>
  error instanceof OcaptainError && (error.code === "UNAUTHORIZED" || /ECONNREFUSED$/.test(error.message));

function client(http: Http): SpritesClient {
  const self: SpritesClient = {
    create: (name, labels) => create(http, self, name, labels),
    get: (name) => get(http, self, name),
    list: (prefix) => list(http, prefix),
    setLabels: async (name, labels) => {
      const reply = await steady(http, { method: "PUT", path: spritePath(name), json: { labels }, timeoutMs: 15_000 });
      return sprite(expect(reply, `label ${name}`));
    },
    remove: (name) => remove(http, self, name),
    exec: (name, argv, options = {}) => exec(http, name, argv, options),
  };
  return self;
}

const spritePath = (name: string) => `/v1/sprites/${encodeURIComponent(name)}`;

/** Not idempotent at the vendor: a lost answer is looked for by name before it is asked again (facts: sprites §3.1). */
async function create(http: Http, self: SpritesClient, name: string, labels: string[]): Promise<SpriteInfo> {
  let weather = "";
  for (let attempt = 0; attempt < 3; attempt++) {
    const reply = await http({ method: "POST", path: "/v1/sprites", json: { name, labels }, timeoutMs: 120_000 }).catch(
      (error: unknown) => {
        if (error instanceof OcaptainError && error.code === "SPRITES_UNREACHABLE") return error;
        throw error;
      },
    );
    const taken =
      !(reply instanceof OcaptainError) &&
      (reply.status === 409 || (reply.status === 400 && errorText(reply).includes("already exists")));
    if (!(reply instanceof OcaptainError)) {
      if (reply.status === 201 || reply.status === 200) return ownLabels(self, sprite(reply), labels);
      if (!taken && !isWeather(reply.status)) throw refused(`create ${name}`, reply);
    }
    weather = reply instanceof OcaptainError ? reply.message : errorText(reply);
    const found = await self.get(name);
    if (found) return owned(found, labels);
  }
  throw new OcaptainError("CREATE_FAILED", `sprite "${name}" could not be made in 3 attempts: ${weather}`, {
    hint: "pulumi up (it goes on where it stopped)",
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

async function get(http: Http, self: SpritesClient, name: string): Promise<SpriteInfo | null> {
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
    hint: "pulumi refresh, in a minute",
  });
}

async function list(http: Http, prefix: string): Promise<string[]> {
  const names: string[] = [];
  let token: string | null = null;
  for (let page = 0; page < 1000; page++) {
    const query = new URLSearchParams({ prefix, max_results: "50", ...(token ? { continuation_token: token } : {}) });
    const reply = expect(
      await steady(http, { method: "GET", path: `/v1/sprites?${query}`, timeoutMs: 15_000 }),
      `list ${prefix}*`,
    );
    const body = JSON.parse(reply.body.toString("utf8")) as {
      sprites: { name: string }[];
      next_continuation_token?: string | null;
    };
    names.push(...body.sprites.map((row) => row.name).filter((name) => name.startsWith(prefix)));
    token = body.next_continuation_token ?? null; // `has_more` lies; the token does not (facts: sprites §3.2)
    if (!token) return names;
  }
  throw new OcaptainError("LIST_ENDLESS", `the list of sprites named ${prefix}* does not end`);
}

async function remove(http: Http, self: SpritesClient, name: string): Promise<void> {
  for (const waitMs of [0, ...LOOK_AGAIN_MS]) {
    if (waitMs) await sleep(waitMs);
    const reply = await steady(http, { method: "DELETE", path: spritePath(name), timeoutMs: 60_000 }, (r) => r.status !== 500);
    if (reply.status >= 300 && reply.status !== 410 && !missing(reply)) throw refused(`delete ${name}`, reply);
    if (!(await self.list(name)).includes(name)) return;
  }
  throw new OcaptainError("DELETE_FAILED", `sprite "${name}" is still listed after it was deleted`, {
    hint: "pulumi destroy (again)",
  });
}

async function exec(
  http: Http,
  name: string,
  argv: readonly string[],
  options: { stdin?: string; timeoutMs?: number; dir?: string },
): Promise<ExecResult> {
  const query = new URLSearchParams();
  for (const arg of argv) query.append("cmd", arg);
  if (argv[0]) query.set("path", argv[0]);
  if (options.dir) query.set("dir", options.dir);
  if (options.stdin !== undefined) query.set("stdin", "true");
  const request: Request = {
    method: "POST",
    path: `${spritePath(name)}/exec?${query}`,
    body: options.stdin,
    timeoutMs: options.timeoutMs ?? 120_000,
  };
  const reply = await http(request);
  if (reply.status === 404) throw new OcaptainError("SPRITE_GONE", `sprite "${name}" is not there`, { hint: "pulumi up" });
  if (reply.status !== 200) throw refused(`exec on ${name}`, reply);
  const result = readExecStream(reply.body);
  if (!result)
    throw new OcaptainError("EXEC_CUT", `exec on ${name}: the connection ended before the command's exit status came`, {
      hint: "pulumi up (it goes on where it stopped)",
    });
  return result;
}

/** Repeats a call that may be repeated, through weather and lost answers: 4 attempts in about 2 s, then the last reply or error. */
async function steady(http: Http, request: Request, weather: (reply: Reply) => boolean = () => true): Promise<Reply> {
  for (let attempt = 0; ; attempt++) {
    const wait = LOOK_AGAIN_MS[attempt];
    const reply = await http(request).catch((error: unknown) => {
      if (wait !== undefined && error instanceof OcaptainError && error.code === "SPRITES_UNREACHABLE") return null;
      throw error;
    });
    if (reply && (wait === undefined || !isWeather(reply.status) || !weather(reply))) return reply;
    await sleep(wait ?? 0);
  }
}

/** 404, 410, and the recorded 500s for a name that is not there (facts: sprites §3.3, §3.5). */
const missing = (reply: Reply) =>
  reply.status === 404 ||
  reply.status === 410 ||
  (reply.status === 500 && /failed to (retrieve|delete) sprite/.test(errorText(reply)));

function expect(reply: Reply, what: string): Reply {
  if (reply.status >= 200 && reply.status < 300) return reply;
  throw refused(what, reply);
}

const refused = (what: string, reply: Reply) =>
  new OcaptainError("SPRITES_REFUSED", `${what}: ${reply.status} ${errorText(reply)}`);

function sprite(reply: Reply): SpriteInfo {
  const raw = JSON.parse(reply.body.toString("utf8")) as SpriteInfo;
  return { id: raw.id, name: raw.name, status: raw.status, url: raw.url ?? "", labels: raw.labels ?? [] };
}
