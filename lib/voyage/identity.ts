import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "zod";
import { writeAtomically } from "../base/atomic-file.ts";
import { OcaptainError } from "../base/errors.ts";
import { VOYAGE_ID } from "../base/naming.ts";
import { voyageFolder, voyageFolderAt } from "../base/paths.ts";
import { Repository } from "../git/same-history.ts";
import { TailnetKind } from "../protocol/choices.ts";
import { Organisation } from "../sprites/organisation.ts";

/**
 * Who a voyage is, as `voyage.json` in the captain's folder says it. The file is written before any VM is made, so that
 * a VM whose creation was interrupted is found again.
 */
export const VoyageIdentity = z.object({
  voyageId: z.string().regex(VOYAGE_ID),
  stack: z.string(),
  captainId: z.string(),
  /** The captain from whom the one above has taken the voyage over. It is absent when nobody has. */
  takenFrom: z.string().optional(),
  /** A random label of every VM of the voyage. A VM that lacks it is not ours. */
  nonce: z.string(),
  createdAt: z.string(),
  /**
   * The id of the Pulumi state that sails the voyage, which is drawn when that state begins
   * (docs/adr/who-a-voyage-is.md). It is absent in a voyage that is older than this field.
   */
  stateId: z.string().optional(),
  /** The repository that the voyage works on. It is absent until the repository has been fetched. */
  repository: Repository.optional(),
  /** The organisation at sprites.dev in which the voyage's VMs are made. */
  organisation: Organisation.optional(),
  /** The tailnet that the voyage's ships join. */
  tailnet: z.string().optional(),
  /** The control plane of the tailnet. It is absent where ships are reached by their provider's own means. */
  control: TailnetKind.optional(),
  /** From where the voyage was sailed: it is sailed again, and sunk, from there. */
  sailedFrom: z
    .object({
      /** The folder of the Pulumi project. */
      project: z.string(),
      /** The stack's configuration file; absent when it is not where Pulumi looks by itself. */
      settings: z.string().optional(),
      /** Whether `ocaptain sail` has sailed it, and not `pulumi up`. */
      byOcaptain: z.boolean().optional(),
    })
    .optional(),
  /** The time when `destroy` last proved the fleet gone. */
  sunkAt: z.string().optional(),
});
export type VoyageIdentity = z.infer<typeof VoyageIdentity>;

/**
 * Reads who the voyage of a stack is, or returns null when its folder holds none. A broken file is an error, because
 * nothing may be guessed about who a voyage is.
 *
 * @throws OcaptainError VOYAGE_FILE when the file cannot be understood
 */
export const readVoyageIdentity = (stack: string): Promise<VoyageIdentity | null> =>
  readVoyageIdentityAt(voyageFolder(stack).root);

/**
 * Reads who the voyage of the folder at `root` is, wherever that is; null when it holds none.
 * @throws OcaptainError VOYAGE_FILE
 */
export async function readVoyageIdentityAt(root: string): Promise<VoyageIdentity | null> {
  const file = voyageFolderAt(root, basename(root)).voyageFile;
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return VoyageIdentity.parse(JSON.parse(text));
  } catch (cause) {
    throw new OcaptainError("VOYAGE_FILE", `${file} is broken`, {
      hint: `restore it; its voyageId is in: pulumi stack output voyage -s ${basename(root)}`,
      cause,
    });
  }
}

/** Writes who a voyage is into the captain's folder of its stack, in place of what was there. */
export const writeVoyageIdentity = (voyage: VoyageIdentity) => writeVoyageIdentityAt(voyageFolder(voyage.stack).root, voyage);

/** Writes who a voyage is into its folder at `root`, wherever that is. */
export const writeVoyageIdentityAt = (root: string, voyage: VoyageIdentity) =>
  writeAtomically(voyageFolderAt(root, voyage.stack).voyageFile, `${JSON.stringify(voyage, null, 2)}\n`);
