import { expect } from "vitest";
import { BIN } from "../support/ocaptain.ts";
import type { Term } from "../support/term.ts";

/**
 * Expects that what a terminal shows is whole: no line was broken by it, and each word is one of `text`, which was
 * written where nothing has a width. What ticks meanwhile is left out: numbers and spans.
 */
export async function expectWhole(term: Term, text: string): Promise<void> {
  expect(await term.broken()).toEqual([]);
  const words = new Set(["$", "\\", "#", ...text.split(/\s+/)]);
  const shown = (await term.screen()).split(/\s+/).map((word) => word.replace(/…$/, ""));
  expect(shown.filter((word) => !words.has(word) && !/^(\d+[dhms]?)*$/.test(word))).toEqual([]);
}

/** Runs `ocaptain ARGS` in a terminal of so many columns that was cleared before, up to where `seen` is shown. */
export async function typed(term: Term, columns: number, args: string, seen: RegExp): Promise<void> {
  await term.resize(columns, 50);
  await term.enter("clear");
  await term.sees(/^\$\s*$/);
  await term.enter(`clear; ${BIN} ${args}`);
  await term.sees(seen);
}
