import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeAtomically } from "../base/atomic-file.ts";
import { OcaptainError } from "../base/errors.ts";
import { VOYAGE_ID } from "../base/naming.ts";
import { voyageFolder } from "../base/paths.ts";
import { Repository } from "../git/same-history.ts";
import { TailnetKind } from "../protocol/choices.ts";
import { Organisation } from "../sprites/organisation.ts";

/** Who a voyage is: `voyage.json` of the captain's folder. It is written before any VM is made, so that a lost create is found again. */
export const VoyageIdentity = z.object({
  voyageId: z.string().regex(VOYAGE_ID),
  stack: z.string(),
  captainId: z.string(),
  /** Stamped on every VM as a label; what lacks it is not ours. */
  nonce: z.string(),
  createdAt: z.string(),
  /** Minted with the Pulumi state that sails it (docs/adr/who-a-voyage-is.md). Absent in a voyage of before it was kept. */
  stateId: z.string().optional(),
  /** The repository that the voyage works on; absent until it is there. */
  repository: Repository.optional(),
  /** The organisation at sprites.dev in which its VMs are made. */
  organisation: Organisation.optional(),
  /** The tailnet that its ships join. */
  tailnet: z.string().optional(),
  /** The control plane of its tailnet; absent: ships are reached as their provider has it. */
  control: TailnetKind.optional(),
  /** When `destroy` last proved the fleet gone. */
  sunkAt: z.string().optional(),
});
export type VoyageIdentity = z.infer<typeof VoyageIdentity>;

/**
 * Reads who the voyage of a stack is; null when its folder holds none. Nothing is guessed about who a voyage is.
 * @throws OcaptainError VOYAGE_FILE when the file cannot be understood
 */
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
