import { fileURLToPath } from "node:url";
import { harborHome, mutagenHome } from "../paths.ts";
import { type Mutagen, openMutagen } from "./client.ts";

/** Folder of the `ssh` and `scp` that enter a harbor ship (design 14). */
const HARBOR_SSH = fileURLToPath(new URL("../../harbor/ssh-bin/", import.meta.url));

const opened = new Map<string, Mutagen>();

/** The sync daemon of one voyage: its own data directory, its own transport. One object for all who ask in this process: it shares their looks. */
export function voyageMutagen(voyage: { voyageId: string; provider: "harbor" | "sprites" }): Mutagen {
  const dataDirectory = mutagenHome(voyage.voyageId);
  const key = `${voyage.provider} ${dataDirectory}`;
  const known = opened.get(key);
  if (known) return known;
  const mutagen =
    voyage.provider === "harbor"
      ? openMutagen({ dataDirectory, sshPath: HARBOR_SSH, env: { OCAPTAIN_HARBOR_HOME: harborHome() } })
      : openMutagen({ dataDirectory });
  opened.set(key, mutagen);
  return mutagen;
}
