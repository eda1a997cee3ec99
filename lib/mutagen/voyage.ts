import { fileURLToPath } from "node:url";
import { harborHome, mutagenHome } from "../base/paths.ts";
import type { ProviderKind, TailnetKind } from "../protocol/choices.ts";
import { sshConfigFile, TAILNET_SSH } from "../tailnet/node/ssh.ts";
import { type Mutagen, openMutagen } from "./client.ts";
import type { MutagenOptions } from "./command.ts";

/** The folder of the `ssh` and `scp` that enter a harbor ship. */
const HARBOR_SSH = fileURLToPath(new URL("../../harbor/ssh-bin/", import.meta.url));

const opened = new Map<string, Mutagen>();

/** The voyage whose daemon is meant. `control` is set when its ships are reached over a tailnet, and only over that. */
export type SyncedVoyage = { voyageId: string; provider: ProviderKind; control?: TailnetKind | undefined };

/**
 * Returns the client of one voyage's sync daemon, which has its own data directory and transport. All callers in this
 * process get the same object, so that they share its looks at the list.
 */
export function voyageMutagen(voyage: SyncedVoyage): Mutagen {
  const dataDirectory = mutagenHome(voyage.voyageId);
  const key = `${voyage.control ? "tailnet" : voyage.provider} ${dataDirectory}`;
  const known = opened.get(key);
  if (known) return known;
  const mutagen = openMutagen({ dataDirectory, ...transportOf(voyage) });
  opened.set(key, mutagen);
  return mutagen;
}

function transportOf({ voyageId, provider, control }: SyncedVoyage): Pick<MutagenOptions, "sshPath" | "env"> {
  if (control) return { sshPath: TAILNET_SSH, env: { OCAPTAIN_SSH_CONFIG: sshConfigFile(voyageId) } };
  return provider === "harbor" ? { sshPath: HARBOR_SSH, env: { OCAPTAIN_HARBOR_HOME: harborHome() } } : {};
}
