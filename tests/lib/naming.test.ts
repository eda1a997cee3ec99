import fc from "fast-check";
import { expect, test } from "vitest";
import {
  checkStackName,
  fleetNumbers,
  MAX_SPRITE_NAME,
  MAX_STACK_NAME,
  shipName,
  shipNumber,
  spriteName,
  spritePrefix,
  VOYAGE_ID,
} from "../../lib/base/naming.ts";

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const MOST_SHIPS = 1000;

const accepted = (stack: string) => {
  try {
    checkStackName(stack);
    return true;
  } catch {
    return false;
  }
};
const letters = [..."abcxyz0189-"];
/**
 * Stack names that are accepted, among them names with dashes and digits and names that look like other voyages'
 * prefixes.
 */
const stack = fc
  .array(fc.constantFrom(...letters), { minLength: 1, maxLength: MAX_STACK_NAME })
  .map((chars) => chars.join(""))
  .filter(accepted);
const voyageId = fc.stringMatching(VOYAGE_ID);
const index = fc.integer({ min: 0, max: MOST_SHIPS - 1 });
const ship = fc.record({ stack, voyageId, index });
type Ship = typeof ship extends fc.Arbitrary<infer T> ? T : never;
const nameOf = (of: Ship) => spriteName(of.stack, of.voyageId, shipName(of.index));

test("a ship's name is a DNS label and within the provider's limit, also for the longest stack and the thousandth ship", () => {
  fc.assert(
    fc.property(ship, (of) => {
      const name = nameOf(of);
      expect(name).toMatch(DNS_LABEL);
      expect(name.length).toBeLessThanOrEqual(MAX_SPRITE_NAME);
    }),
  );
  const longest = { stack: "a".repeat(MAX_STACK_NAME), voyageId: "ffffff", index: MOST_SHIPS - 1 };
  expect(nameOf(longest)).toHaveLength(MAX_SPRITE_NAME);
});

test("two ships have one name only if they are one ship", () => {
  // Voyages whose parts have few values each, so that most pairs differ in one part or in none.
  const digit = fc.constantFrom("0", "1");
  const near = fc.record({
    stack: fc.constantFrom("a", "a-a", "a-0a1b2c", "a-0a1b2c-ship-1"),
    voyageId: fc.tuple(digit, digit).map(([first, last]) => `${first}a1b2${last}`),
    index: fc.constantFrom(0, 1, 10, 11),
  });
  fc.assert(
    fc.property(near, near, (a, b) => {
      expect(nameOf(a) === nameOf(b)).toBe(a.stack === b.stack && a.voyageId === b.voyageId && a.index === b.index);
    }),
    { numRuns: 1000 },
  );
  // Pairs that come as near as two stacks can: the name of one goes on as the other's name and id.
  const inner = fc.record({ stack, voyageId, other: voyageId, index });
  fc.assert(
    fc.property(inner, ({ stack, voyageId, other, index }) => {
      const longer = `${stack}-${voyageId}`;
      fc.pre(accepted(longer));
      expect(nameOf({ stack, voyageId, index })).not.toBe(nameOf({ stack: longer, voyageId: other, index }));
    }),
  );
});

test("a voyage's prefix lists all its ships, and no ship of another voyage of that stack", () => {
  fc.assert(
    fc.property(ship, voyageId, (of, other) => {
      fc.pre(other !== of.voyageId);
      expect(nameOf(of).startsWith(spritePrefix(of.stack, of.voyageId))).toBe(true);
      expect(nameOf(of).startsWith(spritePrefix(of.stack, other))).toBe(false);
    }),
  );
});

test("a stack's name is accepted exactly if it can stand at the start of a label and leaves room for the rest", () => {
  const raw = fc.oneof(
    fc.string({ unit: "binary", maxLength: MAX_STACK_NAME + 5 }),
    fc
      .array(fc.constantFrom(...letters, "A", "_", ".", " ", "/"), { maxLength: MAX_STACK_NAME + 5 })
      .map((chars) => chars.join("")),
  );
  fc.assert(
    fc.property(raw, (name) => {
      expect(accepted(name)).toBe(DNS_LABEL.test(name) && name.length <= MAX_STACK_NAME);
    }),
    { numRuns: 1000 },
  );
});

test.each(["Voyage", "a_b", "-a", "a-", "", "a.b", "a b", "ä", "a\n", "a".repeat(MAX_STACK_NAME + 1)])(
  "stack %j is refused, with one that would do",
  (name) => {
    expect(() => checkStackName(name)).toThrow(expect.objectContaining({ code: "STACK_NAME", hint: expect.any(String) }));
  },
);

test("a fleet has the first numbers that are not left out, and a ship's name tells its number", () => {
  expect(fleetNumbers(3)).toEqual([0, 1, 2]);
  expect(fleetNumbers(3, [0, 2, 2, 900])).toEqual([1, 3, 4]);
  expect([0, 7, 999].map((number) => shipNumber(shipName(number)))).toEqual([0, 7, 999]);
  expect(["ship-", "ship-1000", "ship-x", "xship-1"].map(shipNumber)).toEqual([undefined, undefined, undefined, undefined]);
});
