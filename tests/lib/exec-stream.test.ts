import fc from "fast-check";
import { expect, test } from "vitest";
import { readExecStream } from "../../lib/sprites/exec-stream.ts";

const MARK = { stdout: 1, stderr: 2, exit: 3 } as const;
/** Text as commands print it, without the three marks and without NUL, in pieces that may be empty. */
const text = fc
  .string({ unit: "grapheme", maxLength: 20 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the marks are what is taken out
  .map((raw) => raw.replace(/[\u0000-\u0003]/g, ""));
const piece = fc.record({ stream: fc.constantFrom("stdout" as const, "stderr" as const), text });
const exitCode = fc.integer({ min: 0, max: 255 });

/**
 * The body as the service writes it, with one mark before each piece; a piece may be cut in the middle of a character.
 */
const body = (pieces: { stream: "stdout" | "stderr"; text: string }[], cuts: number[], code: number) =>
  Buffer.concat([
    ...pieces.flatMap(({ stream, text }, at) => {
      const bytes = Buffer.from(text);
      const cut = bytes.length === 0 ? 0 : (cuts[at % (cuts.length || 1)] ?? 0) % bytes.length;
      const mark = Buffer.from([MARK[stream]]);
      return cut === 0 ? [mark, bytes] : [mark, bytes.subarray(0, cut), mark, bytes.subarray(cut)];
    }),
    Buffer.from([MARK.exit, code]),
  ]);

test("text comes out as it went in, however it was cut into chunks and however streams took turns", () => {
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat()), exitCode, (pieces, cuts, code) => {
      const all = (stream: "stdout" | "stderr") =>
        pieces
          .filter((one) => one.stream === stream)
          .map((one) => one.text)
          .join("");
      expect(readExecStream(body(pieces, cuts, code))).toEqual({ exitCode: code, stdout: all("stdout"), stderr: all("stderr") });
    }),
    { numRuns: 500 },
  );
});

test("a body that was cut off is never taken for a result", () => {
  fc.assert(
    fc.property(fc.array(piece), exitCode, fc.nat(), (pieces, code, at) => {
      const whole = body(pieces, [], code);
      const cut = whole.subarray(0, at % whole.length);
      expect(readExecStream(cut)).toBeNull();
    }),
    { numRuns: 500 },
  );
});

test("every exit status comes through, also those that are marks themselves", () => {
  for (let code = 0; code <= 255; code++)
    expect(readExecStream(Buffer.from([MARK.stdout, 0x61, MARK.exit, code]))).toEqual({
      exitCode: code,
      stdout: "a",
      stderr: "",
    });
});

test("bytes of any kind never throw, and lose no text between the marks", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const result = readExecStream(Buffer.from(bytes));
      const ends = bytes.length >= 2 && bytes[bytes.length - 2] === MARK.exit;
      expect(result === null).toBe(!ends);
    }),
    { numRuns: 500 },
  );
});
