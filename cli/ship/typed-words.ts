import { text as readAll } from "node:stream/consumers";
import { OcaptainError } from "../../lib/base/errors.ts";
import type { Io } from "../output/io.ts";
import { MOST_TYPED } from "./type-to-hand.ts";

/**
 * The message that was typed as words, or stdin where they are `-`.
 * @param verb  the verb that takes them
 * @param most  how many characters it may have
 * @throws OcaptainError USAGE
 */
export async function wordsOf(words: readonly string[], verb: "answer" | "nudge", io: Io, most = MOST_TYPED): Promise<string> {
  const what = verb === "answer" ? "the answer" : "the message";
  const text = (words.length === 1 ? await textOf(words[0]!, what, io) : words.join(" ")).trim();
  if (text === "") throw new OcaptainError("USAGE", `${what} is empty`, { hint: `ocaptain ${verb} --help` });
  if (text.length > most) throw tooLong(what, text, most);
  return text;
}

/** A text that was typed, or stdin where it is `-`. */
export async function textOf(typed: string, what: string, io: Io): Promise<string> {
  if (typed !== "-") return typed;
  if (process.stdin.isTTY) io.note(`type ${what}; Ctrl-D on a line of its own ends it`);
  return readAll(process.stdin);
}

export const tooLong = (what: string, text: string, most: number) =>
  new OcaptainError("USAGE", `${what} has ${text.length} characters; at most ${most} are taken`, {
    hint: "put the text into the repository or the plan, and answer with where it is",
  });
