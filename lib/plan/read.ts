import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { visit } from "jsonc-parser";
import { fieldOf, type InputProblem } from "../base/check-input.ts";

/** What reading a file gave: its text, or in words what is wrong. `missing` is true when there is no such file. */
export type Reading = { text: string } | { problem: string; missing: boolean };

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads the text of a regular file, in UTF-8 and of at most `maxBytes`. It throws nothing, and does not wait on a pipe.
 * It reads without giving way, which for thousands of small files is many times faster; whoever reads so many gives way
 * between them.
 */
export function readText(path: string, maxBytes: number): Reading {
  const bad = (problem: string, missing = false) => ({ problem, missing });
  let file: number | undefined;
  try {
    // One look at the path instead of three; what is a pipe is not waited for.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const info = fstatSync(file);
    if (!info.isFile()) return bad("is not a regular file");
    if (info.size > maxBytes) return bad(`is ${info.size} bytes long; at most ${maxBytes} are taken`);
    const bytes = readWhole(file, info.size);
    const text = utf8.decode(bytes);
    return text.includes("\0") ? bad("is not text: it holds a NUL byte") : { text };
  } catch (error) {
    if (error instanceof TypeError) return bad("is not UTF-8 text");
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENXIO") return bad("is not a regular file"); // A socket cannot be opened.
    return code === "ENOENT" ? bad("is missing", true) : bad(`cannot be read: ${code ?? message}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Reads a file of so many bytes; of one that has become shorter meanwhile, what is there. */
function readWhole(file: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  for (let read = -1; read !== 0 && length < size; length += read) read = readSync(file, bytes, length, size - length, null);
  return bytes.subarray(0, length);
}

/**
 * Parses a JSON text, or says what is wrong with it, such as `line 3, column 12: Unexpected token '}'`. `repeated`
 * names the keys that stand twice in one object, of which JSON.parse silently keeps the last.
 */
export function parseJson(text: string): { value: unknown; repeated: InputProblem[] } | { problem: string } {
  try {
    const value: unknown = JSON.parse(text);
    return { value, repeated: keysWritten(text) === keysOf(value) ? [] : repeatedKeys(text) };
  } catch (error) {
    if (error instanceof RangeError) return { problem: "its lists and objects are nested too deeply" };
    const before = text.slice(0, positionOf(error as SyntaxError, text)).split("\n");
    const what = (error as SyntaxError).message.replace(/, .*is not valid JSON$/s, "").replace(/( in JSON)? at position.*$/s, "");
    return { problem: `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${what}` };
  }
}

/**
 * Finds the offset at which JSON.parse gave up. Its message has it for most errors, but not for "Unexpected token".
 * There it is the end of the shortest beginning of the text that has this error: any shorter one fails for ending too
 * early instead.
 */
function positionOf(error: SyntaxError, text: string): number {
  const told = /at position (\d+)/.exec(error.message)?.[1];
  if (told !== undefined) return Number(told);
  if (!hasUnexpectedToken(text)) return text.length;
  let good = 0;
  let bad = text.length;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    if (hasUnexpectedToken(text.slice(0, middle))) bad = middle;
    else good = middle;
  }
  return bad - 1;
}

function hasUnexpectedToken(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return (error as SyntaxError).message.startsWith("Unexpected token");
  }
}

/** The last of the characters that JSON passes over; all before it are controls, which stand in no JSON. */
const SPACE = 32;

/** Counts the keys in a JSON text: its strings that a colon follows. */
function keysWritten(text: string): number {
  let count = 0;
  for (let start = text.indexOf('"'); start >= 0; ) {
    let end = text.indexOf('"', start + 1);
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
    let next = end + 1;
    while (text.charCodeAt(next) <= SPACE) next++;
    if (text[next] === ":") count++;
    start = text.indexOf('"', next);
  }
  return count;
}

/** Whether the character at `at` follows an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text[from - 1] === "\\") from--;
  return (at - from) % 2 === 1;
}

/** Counts the keys of all objects in a value of JSON. It is less than what was written where a key stands twice. */
function keysOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const values: unknown[] = Object.values(value);
  let count = Array.isArray(value) ? 0 : values.length;
  for (const each of values) count += keysOf(each);
  return count;
}

function repeatedKeys(text: string): InputProblem[] {
  const found: InputProblem[] = [];
  /**
   * The objects that enclose the current place, outermost first: each has the line of every key of it that was seen.
   */
  const open: Map<string, number>[] = [];
  visit(text, {
    onObjectBegin: () => void open.push(new Map()),
    onObjectEnd: () => void open.pop(),
    onObjectProperty: (key, _offset, _length, line, _column, path) => {
      const before = open.at(-1)!.get(key);
      open.at(-1)!.set(key, line);
      if (before === undefined) return;
      found.push({
        field: fieldOf([...path(), key]),
        message: `stands twice, in lines ${before + 1} and ${line + 1}: only one would count`,
      });
    },
  });
  return found;
}
