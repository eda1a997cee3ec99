import { OcaptainError } from "./errors.ts";

/** The longest name of a sprite, which shares one DNS label of 63 characters with the organisation's suffix. */
export const MAX_SPRITE_NAME = 50;
/**
 * The length of what follows the stack's name: `-`, the voyage's id of 6 digits, `-ship-`, and a number of up to 3
 * digits.
 */
const NAME_TAIL = 1 + 6 + 6 + 3;
export const MAX_STACK_NAME = MAX_SPRITE_NAME - NAME_TAIL;

const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/**
 * Makes sure that a stack's name can be part of a DNS label.
 *
 * @throws OcaptainError STACK_NAME when it cannot
 */
export function checkStackName(stack: string): void {
  if (LABEL.test(stack) && stack.length <= MAX_STACK_NAME) return;
  throw new OcaptainError(
    "STACK_NAME",
    `stack "${stack}" cannot name ships: use 1 to ${MAX_STACK_NAME} characters of a-z, 0-9 and -, no - at either end`,
    { hint: "pulumi stack init voyage-abc" },
  );
}

/**
 * The prefix that the names of all sprites of a voyage share, by which they are listed when the fleet is to be gone.
 */
export const spritePrefix = (stack: string, voyageId: string) => `${stack}-${voyageId}-`;
/** A ship's short name, as people say it: `ship-0`. */
export const shipName = (index: number) => `ship-${index}`;
/** The number of a ship by its short name; undefined when that is none. */
export function shipNumber(name: string): number | undefined {
  const digits = /^ship-(\d{1,3})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
/** The numbers of the ships of a fleet: the first `count` that are not left out. */
export function fleetNumbers(count: number, without: readonly number[] = []): number[] {
  const left = new Set(without);
  return Array.from({ length: count + left.size }, (_, number) => number)
    .filter((number) => !left.has(number))
    .slice(0, count);
}
/** A ship's name at the provider, which is also its name in the tailnet and its host name. */
export const spriteName = (stack: string, voyageId: string, ship: string) => `${spritePrefix(stack, voyageId)}${ship}`;
/** A voyage's id: 6 lower-case hex digits, which are drawn once for each voyage. */
export const VOYAGE_ID = /^[0-9a-f]{6}$/;
