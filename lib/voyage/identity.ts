import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeAtomically } from "../base/atomic-file.ts";
import { OcaptainError } from "../base/errors.ts";
import { VOYAGE_ID } from "../base/naming.ts";
import { voyageFolder } from "../base/paths.ts";
import { Repository } from "../git/same-history.ts";
import { TailnetKind } from "../protocol/choices.ts";
import { Organisation } from "../sprites/organisation.ts";

/** `voyage.json` of the captain's folder: who this voyage is. Written before any VM is made, so that a lost create is found again (design 3). */
export const VoyageIdentity = z.object({
  voyageId: z.string().regex(VOYAGE_ID),
  stack: z.string(),
  captainId: z.string(),
  /** Stamped on every VM as a label; what lacks it is not ours. */
  nonce: z.string(),
  createdAt: z.string(),
  /** Minted with the Pulumi state that sails it (docs/adr/who-a-voyage-is.md). Absent in a voyage of before it was kept. */
  stateId: z.string().optional(),
  /** What it works on; absent until its repository is there. */
  repository: Repository.optional(),
  /** sprites.dev's organisation that its VMs are made in. */
  organisation: Organisation.optional(),
  /** Which tailnet its ships join. */
  tailnet: z.string().optional(),
  /** The control plane of its tailnet; absent: ships are reached as their provider has it. */
  control: TailnetKind.optional(),
  /** When `destroy` last proved the fleet gone. */
  sunkAt: z.string().optional(),
});
export type VoyageIdentity = z.infer<typeof VoyageIdentity>;

/** null when there is none. @throws OcaptainError VOYAGE_FILE when it cannot be understood: nothing is guessed about who a voyage is. */
export async function readVoyageIdentity(stack: string): Promise<VoyageIdentity | null> {
  const file = voyageFolder(stack).voyageFile;
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return VoyageIdentity.parse(JSON.parse(text));
  } catch (cause) {
    throw new OcaptainError("VOYAGE_FILE", `${file} is broken`, {
      hint: `restore it; its voyageId is in: pulumi stack output voyage -s ${stack}`,
      cause,
    });
  }
}

export const writeVoyageIdentity = (voyage: VoyageIdentity) =>
  writeAtomically(voyageFolder(voyage.stack).voyageFile, `${JSON.stringify(voyage, null, 2)}\n`);
