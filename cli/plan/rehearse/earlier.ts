import { readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { acquireOsLock } from "../../../lib/base/os-lock.ts";
import { ocaptainHome } from "../../../lib/base/paths.ts";
import { voyageMutagen } from "../../../lib/mutagen/voyage.ts";
import { closeMachine } from "../../demo/machine.ts";

/** The folders of a rehearsal: what it sails in, and the captain's home that it has for itself. */
export type Folders = { scratch: string; home: string };

/**
 * Notes where a rehearsal lives, so that the next one can end it if this process is killed. The note is locked as long
 * as this process runs, whatever ends it. Returns what takes the note back.
 */
export async function noteRehearsal(folders: Folders, captainHome: string): Promise<() => Promise<void>> {
  const note = join(captainHome, "rehearsals", `${basename(folders.scratch)}.json`);
  const lock = await acquireOsLock(lockOf(note), { timeoutMs: 0 });
  await writeFile(note, JSON.stringify(folders), { mode: 0o600 });
  return async () => {
    await forget(note);
    lock.release();
    // It stays where another rehearsal is noted.
    await rmdir(dirname(note)).catch(() => {});
  };
}

/** Ends what is left of rehearsals whose process was killed: daemons, ships' processes and folders. */
export async function endKilledRehearsals(captainHome: string): Promise<void> {
  const folder = join(captainHome, "rehearsals");
  for (const name of (await readdir(folder).catch(() => [])).filter((each) => each.endsWith(".json"))) {
    const note = join(folder, name);
    const lock = await acquireOsLock(lockOf(note), { timeoutMs: 0 }).catch(() => null);
    if (!lock) continue;
    const { scratch, home } = JSON.parse(await readFile(note, "utf8")) as Folders;
    process.env.OCAPTAIN_HOME = home;
    try {
      await endSyncs();
      await closeMachine();
    } finally {
      process.env.OCAPTAIN_HOME = captainHome;
    }
    await rm(scratch, { recursive: true, force: true });
    await forget(note);
    lock.release();
  }
}

/** Ends the sync daemons of a home. It is for when no destroy did. */
async function endSyncs(): Promise<void> {
  for (const voyageId of await readdir(join(ocaptainHome(), "mutagen")).catch(() => []))
    await voyageMutagen({ voyageId, provider: "harbor" })
      .stopDaemon()
      .catch(() => {});
}

const lockOf = (note: string) => note.replace(/json$/, "lock");

async function forget(note: string): Promise<void> {
  await rm(note, { force: true });
  await rm(lockOf(note), { force: true });
}
