// What a newcomer looks for: licence, README, how to help, what is checked.
import { files, text, writePart } from "./common.mjs";

const paths = files().map((file) => file.path);
const find = (pattern) => paths.find((path) => pattern.test(path)) ?? null;
const licenceFile = find(/^(licen[cs]e|copying)([.-][\w.-]+)?$/i);
const licenceText = (licenceFile && text(licenceFile)) ?? "";
const KINDS = [
  ["Apache-2.0", /Apache License/],
  ["MIT", /MIT License|Permission is hereby granted, free of charge/],
  ["MPL-2.0", /Mozilla Public License/],
  ["AGPL-3.0", /GNU AFFERO GENERAL/i],
  ["LGPL", /GNU LESSER GENERAL/i],
  ["GPL", /GNU GENERAL PUBLIC/i],
  ["BSD", /Redistribution and use in source and binary/],
  ["ISC", /ISC License/],
  ["Unlicense", /unlicense/i],
];
let declared = null;
try {
  declared = JSON.parse(text("package.json") ?? "{}").license ?? null;
} catch {}
/** A name in package.json gives nobody a right: the text has to be there. */
const licence = {
  file: licenceFile,
  kind: licenceFile && (KINDS.find(([, pattern]) => pattern.test(licenceText))?.[0] ?? declared),
  declared,
};

const readmeFile = find(/^readme(\.[a-z]+)?$/i);
const readmeText = (readmeFile && text(readmeFile)) ?? "";
const count = (pattern) => readmeText.match(pattern)?.length ?? 0;
const readme = {
  file: readmeFile,
  words: count(/\S+/g),
  headings: count(/^#{1,6} /gm),
  links: count(/\]\(/g),
  codeBlocks: Math.floor(count(/^```/gm) / 2),
  images: count(/!\[/g),
};
const check = (name, path, detail = path) => ({ name, ok: path !== null, detail: path === null ? null : detail });
const checks = [
  check("Licence", licence.file, licence.kind ?? licence.file),
  check("README", readmeFile, readmeFile && `${readme.words} words`),
  {
    name: "README shows a command",
    ok: readme.codeBlocks > 0,
    detail: readme.codeBlocks > 0 ? `${readme.codeBlocks} code block${readme.codeBlocks === 1 ? "" : "s"}` : null,
  },
  check("How to contribute", find(/^(\.github\/|docs\/)?contributing(\.[a-z]+)?$/i)),
  check("Change log", find(/^(changelog|changes|news|history)(\.[a-z]+)?$/i)),
  check("Security notes", find(/^(\.github\/|docs\/)?security(\.[a-z]+)?$/i)),
  check(
    "Automatic checks",
    find(/^(\.github\/workflows\/|\.gitlab-ci\.yml|\.circleci\/|\.ci\/|Jenkinsfile|\.travis\.yml|azure-pipelines\.yml)/),
  ),
  check("Tests", find(/(^|\/)(tests?|__tests__|spec)\/|[._](test|spec)\.|_test\./i)),
  check(
    "Format or lint rules",
    find(
      /^(biome\.jsonc?|\.eslintrc.*|eslint\.config\..*|\.prettierrc.*|\.editorconfig|ruff\.toml|\.golangci\.ya?ml|rustfmt\.toml|\.clang-format)$/,
    ),
  ),
  check(
    "Pinned dependencies",
    find(/^(package-lock\.json|pnpm-lock\.yaml|yarn\.lock|bun\.lockb?|Cargo\.lock|go\.sum|poetry\.lock|uv\.lock|Gemfile\.lock)$/),
  ),
  check("Ignore rules", find(/^\.gitignore$/)),
  check("Documentation folder", find(/^docs?\//i), "docs/"),
];
const passed = checks.filter((one) => one.ok).length;
writePart(
  "health",
  { passed, of: checks.length, checks, readme, licence },
  `${passed} of ${checks.length} things a newcomer looks for`,
);
