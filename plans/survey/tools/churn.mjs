// Files that change most, beside how long they are now: long and often changed is where work hurts.
import { base, byMost, countLines, files, git, isMade, text, writePart } from "./common.mjs";

const changes = new Map();
let path = null;
for (const line of git("log", "--no-renames", "--numstat", "--format=", base().commit).split("\n")) {
  const [added, removed, name] = line.split("\t");
  path = name;
  if (!path) continue;
  const row = changes.get(path) ?? { changes: 0, added: 0, removed: 0 };
  row.changes += 1;
  row.added += Number(added) || 0;
  row.removed += Number(removed) || 0;
  changes.set(path, row);
}
const rows = files()
  .filter((file) => changes.has(file.path) && !isMade(file.path))
  .map((file) => ({ path: file.path, ...changes.get(file.path) }))
  .sort(
    byMost(
      (row) => row.changes,
      (row) => row.path,
    ),
  )
  .slice(0, 60)
  .map((row) => ({ ...row, lines: countLines(text(row.path) ?? "") }));
writePart("churn", { everChanged: changes.size, files: rows }, `most changed: ${rows[0]?.path ?? "none"}`);
