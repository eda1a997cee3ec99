import { OcaptainError } from "../base/errors.ts";
import type { Http } from "../base/http-call.ts";
import { askForSecret, inDotEnv } from "../base/secret-hints.ts";
import { ensureHarbor, harborOfKind, harborWithClaude, knownHarbor } from "../daemons/harbor.ts";
import { openSpritesHttp } from "./calls.ts";
import { create, get, list, organisationOfAnswer, remove, setLabels } from "./control-plane.ts";
import { exec } from "./exec.ts";
import { writeFile } from "./files.ts";
import { networkPolicy, setNetworkPolicy } from "./network-policy.ts";
import { assertOrganisation, type Organisation, organisationOfToken } from "./organisation.ts";
import { openServices } from "./services.ts";
import type { ProviderSettings, SpritesClient } from "./types.ts";

export const SPRITES_URL = "https://api.sprites.dev";

/**
 * Opens the sprites API of a provider. For the harbor without a `baseUrl` the running harbor is used, or one is
 * started, so that every call that needs a harbor heals a dead one.
 * @throws OcaptainError NO_TOKEN when sprites.dev has no token; HARBOR_* when the harbor cannot be started; `create`
 *   HARBOR_KIND.
 */
export async function openSprites(settings: ProviderSettings): Promise<SpritesClient> {
  if (settings.kind === "harbor" && !settings.baseUrl) return harborClient(settings.unconfined);
  const hint = askForSecret("ocaptain:spritesToken", `it asks for it; or ${inDotEnv("SPRITE_TOKEN")}`);
  if (!settings.token) throw new OcaptainError("NO_TOKEN", `provider ${settings.kind} needs a token`, { hint });
  const own = organisationOfToken(settings.token);
  assertOrganisation(settings.organisation, own);
  return client(openSpritesHttp((settings.baseUrl ?? SPRITES_URL).replace(/\/+$/, ""), settings.token, hint), {
    own,
    made: settings.organisation,
  });
}

async function harborClient(unconfined: boolean | undefined): Promise<SpritesClient> {
  const self = client(await harborHttp(unconfined));
  const create: SpritesClient["create"] = async (name, labels, onWait, also) => {
    if (unconfined !== undefined && knownHarbor()?.unconfined !== unconfined) await harborOfKind(unconfined);
    else await harborWithClaude();
    return self.create(name, labels, onWait, also);
  };
  return { ...self, create };
}

/**
 * Calls to the harbor that is known. When it is not there, or another is in its place, the running one is looked for,
 * or one is started.
 */
async function harborHttp(unconfined: boolean | undefined): Promise<Http> {
  const open = ({ url, token }: { url: string; token: string }) => openSpritesHttp(url, token, "npm run harbor");
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

/** Whether an error says that the call was not carried out, because nobody listened or another harbor did. */
const notThere = (error: unknown) =>
  error instanceof OcaptainError && (error.code === "UNAUTHORIZED" || /ECONNREFUSED$/.test(error.message));

function client(http: Http, { own = {}, made }: { own?: Organisation; made?: Organisation | undefined } = {}): SpritesClient {
  const self: SpritesClient = {
    organisation: async () => (Object.keys(own).length > 0 ? own : organisationOfAnswer(http)),
    create: (name, labels, onWait, also) => create(http, self, name, labels, onWait, also),
    get: (name) => get(http, self, name),
    list: (prefix) => list(http, prefix, (answered) => assertOrganisation(made, { ...answered, ...own })),
    setLabels: (name, labels) => setLabels(http, name, labels),
    remove: (name) => remove(http, self, name),
    exec: (name, argv, options = {}) => exec(http, name, argv, options),
    writeFile: (name, path, content, mode) => writeFile(http, name, path, content, mode),
    networkPolicy: (name) => networkPolicy(http, name),
    setNetworkPolicy: (name, rules) => setNetworkPolicy(http, name, rules),
    ...openServices(http),
  };
  return self;
}
