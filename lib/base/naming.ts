import { OcaptainError } from "./errors.ts";

/** The longest name of a sprite: the name and the organisation's suffix share one DNS label of 63 characters. */
export const MAX_SPRITE_NAME = 50;
/** `-` + voyageId (6) + `-ship-` + up to 3 digits. */
const NAME_TAIL = 1 + 6 + 6 + 3;
export const MAX_STACK_NAME = MAX_SPRITE_NAME - NAME_TAIL;

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Throws unless a stack's name can be part of a DNS label. */
export function checkStackName(stack: string): void {
  if (LABEL.test(stack) && stack.length <= MAX_STACK_NAME) return;
  throw new OcaptainError(
    "STACK_NAME",
    `stack "${stack}" cannot name ships: use 1 to ${MAX_STACK_NAME} characters of a-z, 0-9 and -, no - at either end`,
    { hint: "pulumi stack init voyage-abc" },
  );
}

/** All of a voyage's sprites share this prefix: listings for proof go by it. */
export const spritePrefix = (stack: string, voyageId: string) => `${stack}-${voyageId}-`;
/** A ship's short name, as people say it: `ship-0`. */
export const shipName = (index: number) => `ship-${index}`;
/** A ship's name at the provider, at the tailnet and as a host name. */
export const spriteName = (stack: string, voyageId: string, ship: string) => `${spritePrefix(stack, voyageId)}${ship}`;
/** 6 lower-case hex digits, minted once a voyage. */
export const VOYAGE_ID = /^[0-9a-f]{6}$/;
