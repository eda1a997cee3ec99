import { existsSync } from "node:fs";
import { join } from "node:path";
import { OcaptainError } from "../../lib/base/errors.ts";
import { helmHome } from "../../lib/base/paths.ts";
import { isCheckout } from "../../lib/base/set-up-command.ts";
import { plainJson } from "../../lib/base/text.ts";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import type { OpenPage } from "../../lib/protocol/admin-api.ts";
import { captainNode } from "../../lib/tailnet/node/captain.ts";
import { setup } from "../../tools/setup.mjs";
import type { Io } from "../output/io.ts";
import { openInBrowser } from "../output/open-in-browser.ts";

type Options = { open?: boolean; stop?: boolean; tailnet?: boolean; port?: string };

/**
 * `ocaptain dashboard [--open]`: the helm serves the page of all voyages from now on, and its first address is printed,
 * which lets one browser in. `--stop` ends that.
 */
export async function dashboard(options: Options, io: Io): Promise<number | undefined> {
  const { open = false, stop, tailnet, port } = options;
  if (stop && (open || tailnet || port !== undefined))
    throw new OcaptainError("USAGE", "--stop goes with nothing else", { hint: "ocaptain dashboard --stop" });
  const ask: OpenPage = { ...(port !== undefined && { port: portOf(port) }), file: open };
  if (stop) return close(io);
  // The page of a checkout is bundled when its sources have changed.
  if (isCheckout) await setup({ quiet: true, table: false, names: ["page"] });
  if (tailnet) {
    const { address, tun } = await nodeHere();
    ask.tailnet = { address, tun };
  }
  const { url, tailnetUrl, file } = await (await ensureHelm()).openPage(ask);
  // The file leads to the first address, which no other user of the machine may see among the words of a command.
  const opened = file !== undefined && (await openInBrowser(file));
  if (io.json) io.out(plainJson({ url, ...(tailnetUrl && { tailnetUrl }), opened }, 2));
  else for (const address of [url, ...(tailnetUrl ? [tailnetUrl] : [])]) io.out(address);
  if (open && !opened) io.note("no browser could be opened from here: the address above leads one browser in");
  io.note(
    `${opened ? "the browser shows the page; the address above lets in another one" : "the address lets in one browser"}, within ten minutes; to end the page: ocaptain dashboard --stop`,
  );
  return open && !opened ? 1 : undefined;
}

/** Ends the page. A helm that does not run has it open again when it runs, unless it is told. */
async function close(io: Io): Promise<undefined> {
  const wasThere = existsSync(join(helmHome(), "page.json"));
  if (wasThere) await (await ensureHelm()).closePage();
  if (io.json) io.out(plainJson({ stopped: wasThere }, 2));
  else io.out(wasThere ? "the page is served no more, and no browser is known to it" : "the page was never open");
}

/** This machine's node of a tailnet: its own, or the one that a voyage runs. @throws OcaptainError CAPTAIN_NODE */
const nodeHere = () =>
  captainNode({ own: false }).catch((error: unknown) => captainNode({ own: true }).catch(() => Promise.reject(error)));

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new OcaptainError("USAGE", `--port "${text}" is no port: it is 1 to 65535`, { hint: "ocaptain dashboard --port 8080" });
}
