import fc from "fast-check";
import { expect, test } from "vitest";
import { explain, OcaptainError } from "../../lib/base/errors.ts";

test("an error with a ship's words in it cannot steer the captain's terminal, and says the rest as it is", () => {
  const said = "\x1b]0;title\x07\x1b[2Jred\x1b[31m\rover\tthere\nand on";
  const error = new OcaptainError("NOT_READY", `the crew said: ${said}`, {
    hint: "pulumi up",
    cause: new Error("\x9bJbell\x07"),
  });
  expect(explain(error)).toBe("the crew said: redover\tthere\nand on (bell)\n  hint: pulumi up");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are looked for
      expect(explain(new Error(text))).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
    }),
  );
  expect(explain("no error\x1b[2J")).toBe("no error");
});
