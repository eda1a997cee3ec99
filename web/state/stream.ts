import type { Asked } from "../workers/stream.ts";
import { Hub, type Told } from "./hub.ts";

/** Only this page's own scripts are made into workers; the browser lets no other text become a script's address. */
type Policies = {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): string };
};
const { trustedTypes } = globalThis as unknown as { trustedTypes?: Policies };

/**
 * Listens to the helm, by the worker that all tabs share, or by a stream of this tab's own where a browser has none.
 * Returns how the tab says which voyage it shows.
 */
export function listen(hear: (told: Told) => void): (voyage: string | null) => void {
  if (!("SharedWorker" in globalThis)) {
    const hub = new Hub();
    return (voyage) => hub.show(hear, voyage);
  }
  const address = "/assets/stream.js";
  const url = trustedTypes
    ? trustedTypes.createPolicy("ocaptain", { createScriptURL: () => address }).createScriptURL(address)
    : address;
  const worker = new SharedWorker(url, { type: "module", name: "ocaptain" });
  worker.port.onmessage = ({ data }: MessageEvent<Told>) => hear(data);
  worker.port.start();
  const say = (asked: Asked) => worker.port.postMessage(asked);
  let shown: string | null = null;
  addEventListener("pagehide", () => say({ leave: true }));
  // A page that comes back by the browser's "back" goes on where it was.
  addEventListener("pageshow", (event) => event.persisted && say({ show: shown }));
  return (voyage) => {
    shown = voyage;
    say({ show: voyage });
  };
}
