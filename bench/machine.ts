import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../lib/base/free-port.ts";
import { voyageFolder } from "../lib/base/paths.ts";
import { stopHarbor } from "../lib/daemons/harbor.ts";
import { stopHelm } from "../lib/daemons/helm.ts";
import { voyageMutagen } from "../lib/mutagen/voyage.ts";

export const STACK = "bench";

export type Machine = { folder: string; close(): Promise<void> };

/**
 * Makes a captain's machine in a temporary folder, so that nothing of the user's is touched. Sets this process's
 * OCAPTAIN_* variables, so only one can be open. `close` ends its daemons and removes the folder.
 */
export async function openMachine(): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), "ocb-"));
  process.env.OCAPTAIN_HOME = join(folder, "h");
  process.env.OCAPTAIN_VOYAGES = join(folder, "v");
  process.env.OCAPTAIN_HELM_PORT = String(await freePort());
  return {
    folder,
    async close() {
      await stopHelm();
      const file = await readFile(voyageFolder(STACK).voyageFile, "utf8").catch(() => null);
      if (file !== null) await voyageMutagen({ ...(JSON.parse(file) as { voyageId: string }), provider: "harbor" }).stopDaemon();
      await stopHarbor();
      // The sync daemon writes its last for a moment after it has let go of its socket.
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
