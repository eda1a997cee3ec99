import { captainId } from "../captain.ts";
import { checkStackName } from "../naming.ts";
import type { SpritesClient } from "../sprites/types.ts";
import { readVoyageFile } from "../voyage-file.ts";
import type { Check } from "./check.ts";

/** The stack's name can be part of every ship's name. */
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
 * The captain's folder is this captain's (design 16): its mirrors and ledger belong to the machine that sails.
 * @param handover  `ocaptain:handover`, the captain that is taken over from.
 */
export function captainCheck(stack: string, handover: string | undefined): Check {
  const what = "captain";
  return {
    what,
    look: async () => {
      const voyage = await readVoyageFile(stack);
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

/** The provider knows our token: an authenticated list, which changes nothing and wakes nothing. */
export function providerCheck(stack: string, open: () => Promise<SpritesClient>): Check {
  return {
    what: "provider",
    look: async () => {
      await (await open()).list(`${stack}-`);
      return [];
    },
  };
}
