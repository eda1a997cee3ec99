import { OcaptainError } from "../../lib/base/errors.ts";
import { asideFolder, voyageFolder, voyagesRoot } from "../../lib/base/paths.ts";
import { captainId } from "../../lib/voyage/captain-id.ts";
import { readVoyageIdentity, type VoyageIdentity } from "../../lib/voyage/identity.ts";
import { folderElsewhere, hasBegun } from "../../lib/voyage/whereabouts.ts";
import type { Settings } from "../lifecycle.ts";
import { takenOver } from "../shared/taken-over.ts";

/** A voyage as the state knows it: what `Muster` has recorded. States of early versions have no `stateId`. */
export type Known = { voyageId?: string | undefined; stateId?: string | undefined; captainId?: string | undefined };

/**
 * Makes sure that the captain's folder is that of the voyage which the state means, and that this state is the one
 * which sails it. Two states of one stack name (two checkouts, two backends, a state that was lost) and two folders of
 * one voyage must never both act (docs/adr/who-a-voyage-is.md). Changes nothing.
 *
 * @param state  what the state knows, which in a preview is only that it knows a voyage; null when it knows none
 * @returns the identity, from the folder, of the voyage that goes on; null when a voyage begins
 * @throws OcaptainError with what the state says, what the folder says, and the ways out
 */
export async function admit(settings: Settings, stack: string, state: Known | null): Promise<VoyageIdentity | null> {
  const file = await sameVoyage(settings, stack, state);
  const folder = voyageFolder(stack);
  if (!file && hasBegun(folder))
    throw new OcaptainError("NAMELESS", `${folder.root} holds a voyage, and no voyage.json that says which`, {
      hint: `put that file back; or ${state ? `end what sails (pulumi destroy -s ${stack}), and ` : ""}put the folder aside: mv ${folder.root} ${folder.root}.old`,
    });
  if (state && !file)
    throw new OcaptainError(
      "FOLDER_GONE",
      `${folder.root} is not there, the folder of a voyage that this state sails${state.voyageId ? ` (${state.voyageId})` : ""}; with it went its repository and its ledger`,
      {
        hint: `put it back, or say where it is: set OCAPTAIN_VOYAGES to the folder that holds it; else begin anew: pulumi destroy -s ${stack} (it brings home what ships still hold), then pulumi up -s ${stack}`,
      },
    );
  if (state) return file;
  if (!file) return null;
  if (file.sunkAt && settings.beginAnew === file.voyageId) return null;
  if (!file.sunkAt && hasBegun(folder) && settings.adopt !== file.voyageId)
    throw new OcaptainError(
      "NOT_OF_THIS_STATE",
      `voyage ${file.voyageId} of stack "${stack}" is at sea (its folder: ${folder.root}, begun ${file.createdAt}), and this Pulumi state does not know it: another checkout or backend sails it, or its state was lost`,
      {
        hint: `another stack: pulumi stack init; or, only if its state is lost, adopt it with its fleet: pulumi config set ocaptain:adopt ${file.voyageId} -s ${stack}, then pulumi up -s ${stack}`,
      },
    );
  return file;
}

/**
 * Makes sure that state and folder do not contradict each other, which counts for a look and for a destroy too. Those
 * are not refused when the folder is gone: the answer is then null.
 * @throws OcaptainError ANOTHER_CAPTAIN, FOLDER_ELSEWHERE, ANOTHER_VOYAGE, ANOTHER_STATE
 */
export async function sameVoyage(settings: Settings, stack: string, state: Known | null): Promise<VoyageIdentity | null> {
  if (state) refuseStranger(state, await captainId(), settings, stack);
  const file = await readVoyageIdentity(stack);
  const me = await captainId();
  if (file?.takenFrom === me && file.captainId !== me && settings.handover !== file.captainId)
    throw takenOver(stack, file.captainId, `its folder ${voyageFolder(stack).root} says so`);
  const voyageId = state?.voyageId ?? file?.voyageId;
  const elsewhere = voyageId && (await folderElsewhere(stack, voyageId));
  if (elsewhere)
    throw new OcaptainError(
      "FOLDER_ELSEWHERE",
      `the folder of voyage ${voyageId} is ${elsewhere}, where its helm holds it; OCAPTAIN_VOYAGES now means ${voyageFolder(stack).root}`,
      { hint: `export OCAPTAIN_VOYAGES=${elsewhere.slice(0, -stack.length - 1)}` },
    );
  if (!state || !file) return file;
  if (state.voyageId && file.voyageId !== state.voyageId)
    throw new OcaptainError(
      "ANOTHER_VOYAGE",
      `${voyageFolder(stack).root} is the folder of voyage ${file.voyageId}, and this state sails voyage ${state.voyageId}`,
      {
        hint: `put the folder of ${state.voyageId} back (${asideFolder(stack, state.voyageId)}, or in ${voyagesRoot()}); or forget this state, if that voyage has sunk: pulumi stack rm --force -s ${stack}`,
      },
    );
  if (state.stateId && file.stateId && state.stateId !== file.stateId)
    throw new OcaptainError(
      "ANOTHER_STATE",
      `voyage ${file.voyageId} of stack "${stack}" was adopted by another Pulumi state (${file.stateId}; this one is ${state.stateId}): another checkout or backend sails it now`,
      {
        hint: `go on there; and forget this state: pulumi stack rm --force -s ${stack}  # to take the voyage back here after that: pulumi stack init ${stack} && pulumi config set ocaptain:adopt ${file.voyageId} -s ${stack}`,
      },
    );
  return file;
}

/**
 * Refuses another machine's voyage: its mirrors, ledger and daemons are there, and an `up` or `destroy` from here would
 * find nothing and lose them.
 */
function refuseStranger(state: Known, me: string, settings: Settings, stack: string): void {
  if (!state.captainId || state.captainId === me || settings.handover === state.captainId) return;
  throw new OcaptainError(
    "ANOTHER_CAPTAIN",
    `voyage "${stack}" is sailed by captain ${state.captainId}; this machine is captain ${me}`,
    {
      hint: `copy that machine's folder of the voyage here, then: pulumi config set ocaptain:handover ${state.captainId} -s ${stack}`,
    },
  );
}
