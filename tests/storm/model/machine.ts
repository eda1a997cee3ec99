import { LOOK_AGAIN_MS } from "../../../lib/base/http-call.ts";
import { ensureHelm, stopHelm } from "../../../lib/daemons/helm.ts";
import type { Mutagen } from "../../../lib/mutagen/client.ts";
import { makeCaptain, makePlan, makeSource, makeVoyage } from "../../support/helm-voyage.ts";
import { PROVIDER_URL, type Provider } from "./provider.ts";
import { modelMutagen, type SyncDaemon } from "./sync.ts";

/** The token of the provider; its last part is the secret. */
export const SECRET = "th3-s3cret-0f-the-storm";
export const TOKEN = `storm/1/2/${SECRET}`;

/** The captain's machine, which all histories of a process share, with its helm and another voyage at it. */
export async function openMachine() {
  const captain = await makeCaptain();
  Object.assign(process.env, { SPRITES_API_URL: PROVIDER_URL, SPRITE_TOKEN: TOKEN });
  const source = makeSource(captain.root);
  const other = await makeVoyage(source, "other", makePlan({ "1": [], "2": ["1"] }, { digest: "other" }), {
    timing: { leaseSeconds: 3600, heartbeatSeconds: 300, fenceSeconds: 2700, lingerSeconds: 1 },
  });
  await (await ensureHelm()).registerVoyage("ffffff", other.register);
  // No time passes between two looks.
  LOOK_AGAIN_MS.fill(1);
  const daemons = new Map<string, SyncDaemon>();
  let sails: { provider: Provider } | null = null;
  const real = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const url = new URL(String(input));
    if (url.origin !== PROVIDER_URL) return real(input, init);
    return sails ? sails.provider.fetch(url, init ?? {}) : Promise.reject(new TypeError("nobody sails"));
  };
  const reach = (host: string) => (sails?.provider.cut ? null : (sails?.provider.vms.get(host)?.home ?? null));
  const daemonOf = (voyageId: string): SyncDaemon => {
    const known = daemons.get(voyageId) ?? { running: false, sessions: [] };
    daemons.set(voyageId, known);
    return known;
  };
  return {
    root: captain.root,
    source,
    other: other.folder,
    daemonOf,
    reach,
    /** The client of a voyage's sync daemon, instead of the real one's. */
    mutagen: (voyageId: string): Mutagen => modelMutagen(daemonOf(voyageId), reach),
    use(provider: Provider) {
      sails = { provider };
    },
    async close(): Promise<void> {
      globalThis.fetch = real;
      await stopHelm();
      for (const name of ["SPRITES_API_URL", "SPRITE_TOKEN"]) delete process.env[name];
      captain.remove();
    },
  };
}

export type Machine = Awaited<ReturnType<typeof openMachine>>;
