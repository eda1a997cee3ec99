import { OcaptainError } from "../base/errors.ts";
import { checkStackName } from "../base/naming.ts";
import { assertMeant, assertOrganisation, organisationOfToken } from "../sprites/organisation.ts";
import type { SpritesClient } from "../sprites/types.ts";
import { captainId } from "../voyage/captain-id.ts";
import { readVoyageIdentity, type VoyageIdentity } from "../voyage/identity.ts";
import type { Check } from "./check.ts";

/** Checks that the stack's name can be part of every ship's name. */
export function stackNameCheck(stack: string): Check {
  return {
    what: "stack",
    look: async () => {
      checkStackName(stack);
      return [];
    },
  };
}

/**
 * Checks that the captain's folder is this captain's, since its mirrors and ledger belong to the machine that sails.
 * @param handover  `ocaptain:handover`: the id of the captain whose voyage is taken over
 */
export function captainCheck(stack: string, handover: string | undefined): Check {
  const what = "captain";
  return {
    what,
    look: async () => {
      const voyage = await readVoyageIdentity(stack);
      if (!voyage || voyage.sunkAt || voyage.captainId === handover) return [];
      const me = await captainId();
      if (voyage.captainId === me) return [];
      return [
        {
          what,
          message: `voyage "${stack}" is sailed by captain ${voyage.captainId}; this machine is captain ${me}`,
          hint: `to take it over: pulumi config set ocaptain:handover ${voyage.captainId} -s ${stack}`,
        },
      ];
    },
  };
}

/** Checks that the provider knows the token, by a list of ships, which changes nothing and wakes nothing. */
export function providerCheck(stack: string, open: () => Promise<SpritesClient>): Check {
  return {
    what: "provider",
    look: async () => {
      await (await open()).list(`${stack}-`);
      return [];
    },
  };
}

/**
 * The voyage whose folder goes on with this run: one at sea, or one that has sunk and in whose place none begins. null
 * when a voyage begins.
 * @throws OcaptainError AT_SEA when another is to begin in the place of one that has not sunk
 */
export async function goesOn({
  stack,
  beginAnew,
}: {
  stack: string;
  beginAnew?: string | undefined;
}): Promise<VoyageIdentity | null> {
  const voyage = await readVoyageIdentity(stack).catch(() => null); // captainCheck tells of a file that is broken
  if (!voyage || beginAnew !== voyage.voyageId) return voyage;
  if (voyage.sunkAt) return null;
  throw new OcaptainError("AT_SEA", `ocaptain:beginAnew names voyage ${beginAnew}, which is at sea: its fleet goes first`, {
    hint: `pulumi destroy -s ${stack}; or go on with it: pulumi config rm ocaptain:beginAnew -s ${stack}  # where a destroy finds nothing, as its state was lost, adopt it first with a plan of its name (docs/voyages.md)`,
  });
}

/** Checks that the token is of the organisation that is meant, and in which the ships of a voyage at sea were made. */
export function organisationCheck(stack: string, token: string | undefined, meant: string | undefined): Check {
  return {
    what: "organisation",
    look: async () => {
      const own = organisationOfToken(token);
      assertMeant(meant ?? process.env.OCAPTAIN_SPRITES_ORG, own);
      const voyage = await readVoyageIdentity(stack);
      if (voyage && !voyage.sunkAt) assertOrganisation(voyage.organisation, own);
      return [];
    },
  };
}
