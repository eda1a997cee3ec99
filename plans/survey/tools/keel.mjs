// Lays the keel: which commit is surveyed, and its plain facts that every other part must agree with.
import { filesOf, git, text, writePart } from "./common.mjs";

const commit = git("rev-parse", "HEAD").trim();
const files = filesOf(commit);
const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
const commits = Number(git("rev-list", "--count", commit));
const at = git("show", "-s", "--format=%cI", commit).trim();

function name() {
  const json = text("package.json");
  try {
    if (json && JSON.parse(json).name) return JSON.parse(json).name;
  } catch {}
  const declared = [
    [text("Cargo.toml"), /^name *= *"([^"]+)"/m],
    [text("pyproject.toml"), /^name *= *"([^"]+)"/m],
    [text("go.mod"), /^module .*?([^/\s]+)\s*$/m],
    [
      files
        .map((file) => file.path)
        .filter((path) => /^readme(\.md)?$/i.test(path))
        .map(text)[0],
      /^# +(.+)$/m,
    ],
  ];
  for (const [content, pattern] of declared) {
    const found = content?.match(pattern)?.[1];
    if (found) return found.trim();
  }
  return "This repository";
}

writePart(
  "base",
  { commit, name: name(), files: files.length, bytes, commits, at },
  `${files.length} files, ${commits} commits at ${commit.slice(0, 10)}`,
);
