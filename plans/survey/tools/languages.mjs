// Files, lines and bytes by language. Every file counts once, so the sums are the whole.
import { base, byMost, countLines, files, isMade, tally, text, writePart } from "./common.mjs";

const NAMES = {
  TypeScript: "ts mts cts tsx",
  JavaScript: "js mjs cjs jsx",
  Python: "py pyi",
  Go: "go",
  Rust: "rs",
  Java: "java",
  Kotlin: "kt kts",
  Scala: "scala",
  C: "c h",
  "C++": "cc cpp cxx hh hpp hxx",
  "C#": "cs",
  "F#": "fs fsx",
  Swift: "swift",
  "Objective-C": "m mm",
  Ruby: "rb rake",
  PHP: "php",
  Perl: "pl pm",
  Lua: "lua",
  Elixir: "ex exs",
  Erlang: "erl hrl",
  Haskell: "hs",
  OCaml: "ml mli",
  Clojure: "clj cljs",
  R: "r",
  Julia: "jl",
  Dart: "dart",
  Zig: "zig",
  Nix: "nix",
  Shell: "sh bash zsh fish",
  PowerShell: "ps1",
  SQL: "sql",
  HTML: "html htm",
  CSS: "css scss sass less",
  Vue: "vue",
  Svelte: "svelte",
  Markdown: "md markdown mdx",
  Text: "txt rst adoc",
  JSON: "json jsonc json5 jsonl",
  YAML: "yaml yml",
  TOML: "toml",
  XML: "xml svg",
  Protobuf: "proto",
  Terraform: "tf tfvars",
  Assembly: "s asm",
  Tcl: "tcl",
  Image: "png jpg jpeg gif webp ico",
  Font: "woff woff2 ttf otf",
};
const byExtension = Object.fromEntries(
  Object.entries(NAMES).flatMap(([name, list]) => list.split(" ").map((ending) => [ending, name])),
);
const byName = { Dockerfile: "Dockerfile", Makefile: "Makefile", Rakefile: "Ruby", Gemfile: "Ruby", "CMakeLists.txt": "CMake" };

function languageOf(path) {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (isMade(path)) return "Generated or vendored";
  return byName[name] ?? byExtension[name.includes(".") ? name.slice(name.lastIndexOf(".") + 1).toLowerCase() : ""] ?? "Other";
}

const rows = files().map((file) => ({ ...file, language: languageOf(file.path), lines: countLines(text(file.path) ?? "") }));
const languages = tally(
  rows,
  (row) => row.language,
  (name) => ({ name, files: 0, lines: 0, bytes: 0 }),
  (sum, row) => {
    sum.files += 1;
    sum.lines += row.lines;
    sum.bytes += row.bytes;
  },
).sort(
  byMost(
    (sum) => sum.lines,
    (sum) => sum.name,
  ),
);
const lines = languages.reduce((sum, language) => sum + language.lines, 0);
writePart(
  "languages",
  { files: rows.length, lines, bytes: base().bytes, languages },
  `${languages.length} languages, ${lines} lines`,
);
