import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Files that tools write and people do not read. */
const GENERATED = /(^|\/)(package-lock\.json|go\.sum)$/;

/**
 * Finds lines of tracked and new files that name a place on this machine, the checkout or the home folder: such lines
 * work for one person only. Each is returned as `file:line: text`.
 */
export function machinePaths(root: string): string[] {
  const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: root,
    encoding: "utf8",
  });
  // Root's home is the same on every machine, and ships have one too.
  const places = [root, homedir()]
    .filter((place) => place !== "/root")
    .map((place) => place.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const place = new RegExp(`(?<![\\w.-])(${places.join("|")})(/|\\b)`);
  const found: string[] = [];
  for (const file of files.split("\0").filter((name) => name && !GENERATED.test(name))) {
    let text: string;
    try {
      text = readFileSync(join(root, file), "utf8");
    } catch {
      continue; // The file is deleted, or is a link to nowhere.
    }
    text.split("\n").forEach((line, i) => {
      if (place.test(line)) found.push(`${file}:${i + 1}: ${line.trim().slice(0, 120)}`);
    });
  }
  return found;
}
