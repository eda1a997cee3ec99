import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { acquireOsLock, type OsLock } from "../../lib/base/os-lock.ts";
import { helmHome, type VoyageFolder } from "../../lib/base/paths.ts";
import { plain } from "../../lib/base/text.ts";

/** How long a helm may take that is just ending. */
const ENDING_MS = 2_000;

const Holder = z.object({ pid: z.number().int(), host: z.string().max(255), home: z.string().max(4096) });

/**
 * Takes the lock of a voyage's ledger, which one helm has at a time: two with folders of their own (a copied
 * OCAPTAIN_HOME, a disk that two machines share) would each grant what the other has granted. Who has it is written
 * beside the lock, for the helm that is refused.
 * @throws OcaptainError LEDGER_HELD naming the file and its holder
 */
export async function holdLedger(folder: VoyageFolder): Promise<OsLock> {
  const note = `${folder.ledger}.holder`;
  const lock = await acquireOsLock(`${folder.ledger}.lock`, { timeoutMs: ENDING_MS }).catch(async (error: unknown) => {
    if (error instanceof OcaptainError && error.code === "LOCKED")
      throw held(folder.ledger, await readFile(note, "utf8").catch(() => ""));
    throw error;
  });
  const me: z.infer<typeof Holder> = { pid: process.pid, host: hostname(), home: helmHome() };
  try {
    await writeAtomically(note, `${JSON.stringify(me)}\n`, 0o600);
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

function held(ledger: string, note: string): OcaptainError {
  const { pid, host, home } = parse(note);
  const who =
    pid === undefined ? "another helm" : `another helm: process ${pid} on ${plain(host ?? "")}, of ${plain(home ?? "")}`;
  const there = host === undefined || host === hostname() ? "" : `, on ${plain(host)}`;
  const hint =
    pid === undefined ? "end that helm, then: pulumi up" : `kill ${pid} && pulumi up  # ends that helm${there}; or go on with it`;
  return new OcaptainError("LEDGER_HELD", `the ledger ${ledger} is held by ${who}`, { hint });
}

function parse(note: string): Partial<z.infer<typeof Holder>> {
  try {
    return Holder.parse(JSON.parse(note));
  } catch {
    return {};
  }
}
