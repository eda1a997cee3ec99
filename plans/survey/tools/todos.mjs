// Notes that people left for later: TODO, FIXME, HACK, XXX.
import { execFileSync } from "node:child_process";
import { base, countBy, isMade, topFolder, writePart } from "./common.mjs";

function grep() {
  try {
    const args = ["--no-pager", "grep", "-nIwzE", "TODO|FIXME|HACK|XXX", base().commit, "--", ".", ":(exclude)survey"];
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
    return { path, line: Number(number), kind: said.match(/\b(TODO|FIXME|HACK|XXX)\b/)?.[1], text: said.trim().slice(0, 160) };
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
