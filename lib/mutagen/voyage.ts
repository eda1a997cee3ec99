import { fileURLToPath } from "node:url";
import { harborHome, mutagenHome } from "../paths.ts";
import { openMutagen } from "./client.ts";

/** Folder of the `ssh` and `scp` that enter a harbor ship (design 14). */
const HARBOR_SSH = fileURLToPath(new URL("../../harbor/ssh-bin/", import.meta.url));

/** The sync daemon of one voyage: its own data directory, its own transport. */
export function voyageMutagen(voyage: { voyageId: string; provider: "harbor" | "sprites" }) {
  const dataDirectory = mutagenHome(voyage.voyageId);
  if (voyage.provider === "harbor")
    return openMutagen({ dataDirectory, sshPath: HARBOR_SSH, env: { OCAPTAIN_HARBOR_HOME: harborHome() } });
  return openMutagen({ dataDirectory });
}
