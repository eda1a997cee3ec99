import { expect, test } from "vitest";
import { z } from "zod";
import { checkInput, fitOrThrow, formatProblems } from "../../lib/base/check-input.ts";

const Order = z.object({
  name: z.string().max(3),
  count: z.int(),
  provider: z.union([z.object({ token: z.string() }), z.null()]),
});
const WRONG = { name: "s3cret", count: "s3cret", provider: { token: 1, key: "s3cret" } };

test("what another program says wrongly is told by field and kind, and never quoted", () => {
  const refuse = (why: string) => new Error(`refused: ${why}`);
  expect(() => fitOrThrow(Order, WRONG, refuse)).toThrow(
    /^refused: name must have at most 3 characters, and has 6; count must be a number, and is text; provider is not what is expected here, and is an object$/,
  );
  expect(() => fitOrThrow(Order, [], refuse)).toThrow(/^refused: it must be an object, \{\.\.\.\}, and is a list$/);
  const right = { name: "abc", count: 1, provider: null };
  expect(fitOrThrow(Order, right, refuse)).toEqual(right);
});

test("of many problems the first are named, and the rest counted", () => {
  const checked = checkInput(z.array(z.string()), Array(8).fill(1));
  if ("data" in checked) throw new Error("nothing was wrong");
  expect(formatProblems(checked.problems)).toMatch(/^\[0\] must be text in quotes, and is 1; .*\[4\] [^;]*; and 3 more$/);
});
