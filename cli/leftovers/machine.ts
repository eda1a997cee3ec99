import { existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { captainNodeHome, mutagenHome, ocaptainHome, tailnetHome, tailnetSshHome } from "../../lib/base/paths.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { shellWord } from "../../lib/base/shell-word.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { orphanedProviders } from "../../lib/daemons/orphaned-providers.ts";
import { voyageMutagen } from "../../lib/mutagen/voyage.ts";
import type { Leftover } from "./leftover.ts";
import type { Ours } from "./ours.ts";

/** Finds what is left on this machine: syncs, folders, voyages at the helm, and processes of killed engines. */
export async function leftOnMachine(ours: Ours): Promise<Leftover[]> {
  return [
    ...(await syncs(ours)),
    ...(await registrations(ours)),
    ...tailnetFiles(ours),
    ...(await processes()),
    ...ours.nameless.map(stray),
  ];
}

async function syncs(ours: Ours): Promise<Leftover[]> {
  const left: Leftover[] = [];
  for (const id of goneOf(join(ocaptainHome(), "mutagen"), ours)) {
    const folder = mutagenHome(id);
    const mutagen = voyageMutagen({ voyageId: id, provider: "harbor" });
    const runs = await mutagen.running();
    left.push({
      kind: runs ? "sync" : "folder",
      name: runs ? `sync daemon of ${id}` : folder,
      voyage: id,
      standing: ours.standing(id),
      message: `${runs ? "runs" : "is the folder of a sync daemon"}, though ${ours.why(id)}`,
      kept: null,
      hint: "",
      remove: async () => {
        await mutagen.stopDaemon();
        // The daemon goes on writing for a moment after it has closed its socket.
        await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      },
    });
  }
  return left;
}

async function registrations(ours: Ours): Promise<Leftover[]> {
  const helm = await helmClient()
    .health()
    .catch(() => null);
  return (helm?.voyages ?? [])
    .filter((id) => ours.standing(id) !== "at sea")
    .map((id) => {
      // To let go of it would write into a ledger that is another captain's now.
      const isTheirs = ours.standing(id) === "another captain's";
      return {
        kind: "registration",
        name: `voyage ${id} at the helm`,
        voyage: id,
        standing: ours.standing(id),
        message: `is registered, though ${ours.why(id)}`,
        kept: isTheirs ? "its ledger is another captain's" : null,
        hint: isTheirs ? "ocaptain helm restart" : "",
        remove: async () => void (await helmClient().deregisterVoyage(id)),
      };
    });
}

function tailnetFiles(ours: Ours): Leftover[] {
  const file = (voyage: string, path: string, name: string, message: string): Leftover => ({
    kind: "folder",
    name,
    voyage,
    standing: ours.standing(voyage),
    message,
    kept: null,
    hint: "",
    remove: () => rm(path, { recursive: true, force: true }),
  });
  return [
    ...goneOf(join(captainNodeHome(), "users"), ours).map((id) =>
      file(
        id,
        join(captainNodeHome(), "users", id),
        `tailscaled for ${id}`,
        "the captain's own node is kept for that voyage, though no voyage here with that id is at sea",
      ),
    ),
    ...goneOf(join(tailnetHome(), "ssh"), ours).map((id) =>
      file(id, tailnetSshHome(id), tailnetSshHome(id), "says how the ships of a voyage are reached that is not at sea"),
    ),
  ];
}

async function processes(): Promise<Leftover[]> {
  return (await orphanedProviders(PROJECT)).map((pid) => ({
    kind: "process",
    name: `process ${pid}`,
    voyage: null,
    standing: null,
    message: "is what Pulumi's engine left running when it was killed; the next pulumi up ends it",
    kept: null,
    hint: "",
    remove: async () => {
      // Its number may be another process's by now.
      if ((await orphanedProviders(PROJECT)).includes(pid)) process.kill(pid);
    },
  }));
}

/** A folder that looks like a voyage's, without the file that says which. It may hold the only copy of its work. */
const stray = (folder: string): Leftover => ({
  kind: "folder",
  name: folder,
  voyage: null,
  standing: null,
  message: "has no voyage.json that can be read: its voyage is not known",
  kept: "it may hold work that is nowhere else",
  hint: `ls -la ${shellWord(folder)}`,
  remove: () => Promise.reject(new Error("it is not known what it holds")),
});

/** The names in a folder that are ids of voyages which are not at sea here. */
const goneOf = (folder: string, ours: Ours): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => /^[0-9a-f]{6}$/.test(name) && ours.standing(name) !== "at sea") : [];
