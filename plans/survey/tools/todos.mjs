// Notes that people left for later: a comment, or a line of a list, that begins with one of four words. A text that only speaks of them is no note.
import { execFileSync } from "node:child_process";
import { base, countBy, isMade, topFolder, writePart } from "./common.mjs";

const KINDS = "TODO|FIXME|HACK|XXX";
const NOTE = new RegExp(
  `(?:^\\s*(?:[-+]\\s+(?:\\[.\\]\\s+)?)?|(?:^|\\s)(?:/{2,}|#+|/\\*+|\\*|<!--|--|;+|%+)\\s*)(${KINDS})(?![\\w,|/])`,
);

function grep() {
  try {
    const args = ["--no-pager", "grep", "-nIwzE", KINDS, base().commit, "--", ".", ":(exclude)survey"];
    return execFileSync("git", args, { encoding: "utf8", maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    if (error.status === 1) return ""; // none
    throw error;
  }
}

const prefix = base().commit.length + 1;
const items = grep()
  .split("\n")
  .filter(Boolean)
  .map((line) => {
    const [path, number, ...rest] = line.slice(prefix).split("\0");
    const said = rest.join("\0");
    return { path, line: Number(number), kind: said.match(NOTE)?.[1], text: said.trim().slice(0, 160) };
  })
  .filter((item) => item.kind && !isMade(item.path));
writePart(
  "todos",
  {
    total: items.length,
    kinds: countBy(items, (item) => item.kind),
    folders: countBy(items, (item) => topFolder(item.path)),
    items: items.slice(0, 60),
  },
  `${items.length} notes for later`,
);
