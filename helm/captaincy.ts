import { rm } from "node:fs/promises";
import { withCause } from "../lib/base/errors.ts";
import type { VoyageFolder } from "../lib/base/paths.ts";
import { voyageMutagen } from "../lib/mutagen/voyage.ts";
import { captainId } from "../lib/voyage/captain-id.ts";
import { readVoyageIdentityAt, writeVoyageIdentityAt } from "../lib/voyage/identity.ts";
import { otherCaptain } from "../lib/voyage/labels.ts";
import type { Log } from "./log.ts";

/**
 * Whether a voyage is still this captain's. Another one takes it by writing so into the folder, if both have the same
 * one, and onto the VMs, which both see in any case.
 */
export class Captaincy {
  readonly #folder: VoyageFolder;
  readonly #lose: (to: string) => Promise<void>;
  #isLost = false;

  /** @param lose is called once, when the voyage has been taken by that captain */
  constructor(folder: VoyageFolder, lose: (to: string) => Promise<void>) {
    this.#folder = folder;
    this.#lose = lose;
  }

  /** Looks at the folder. Returns whether the voyage has been taken. */
  async look(): Promise<boolean> {
    const file = await readVoyageIdentityAt(this.#folder.root).catch(() => null);
    const me = await captainId();
    if (file?.takenFrom === me && file.captainId !== me) await this.#lost(file.captainId);
    return this.#isLost;
  }

  /** Looks at the labels of one of the voyage's VMs. Returns whether the voyage has been taken. */
  async seen(labels: readonly string[] | undefined): Promise<boolean> {
    const other = otherCaptain(labels ?? [], await captainId());
    if (other) await this.#lost(other);
    return this.#isLost;
  }

  async #lost(to: string): Promise<void> {
    if (this.#isLost) return;
    this.#isLost = true;
    await this.#lose(to);
  }
}

/**
 * Ends what this machine still does for a voyage that another captain has taken: its syncs, which would bring what is
 * here onto the ships, and in a folder of its own the provider's token. It writes down whose the voyage is, so that no
 * `up` from here takes it for its own. Work that is in the folder stays there.
 */
export async function letGo(voyageId: string, folder: VoyageFolder, to: string, log: Log): Promise<void> {
  try {
    const file = await readVoyageIdentityAt(folder.root);
    // A folder that both machines have says so already, and all in it is the other captain's.
    if (file && file.captainId !== to) {
      await writeVoyageIdentityAt(folder.root, { ...file, captainId: to, takenFrom: await captainId() });
      for (const secret of [folder.credentials, folder.notify]) await rm(secret, { force: true });
    }
    await voyageMutagen({ voyageId, provider: "harbor", control: file?.control }).stopDaemon();
  } catch (error) {
    log("not-let-go", { voyage: voyageId, error: withCause(error) });
  }
}
