// Section "Shape": what lies here. From languages, folders, largest, tests, duplicates.
import { bars, card, columns, nothing, num, percent, plural, shares, size, treemap } from "./charts.mjs";
import { readPart, writeText } from "./common.mjs";

const [languages, folders, largest, tests, duplicates] = ["languages", "folders", "largest", "tests", "duplicates"].map(readPart);

const byLines = languages.languages.filter((one) => one.lines > 0);
const [head, tail] = [byLines.slice(0, 8), byLines.slice(8)];
const rest = { name: `${tail.length} others`, lines: tail.reduce((sum, one) => sum + one.lines, 0) };
const cut = (tail.length > 0 ? [...head, rest] : head).map((one) => ({
  label: one.name,
  value: one.lines,
  shown: `${num(one.lines)} lines`,
}));
const first = byLines[0];

const written = largest.top.filter((file) => !file.made);
const small = largest.sizes.map((one, i) => {
  const label = one.below === null ? "> 256 K" : `< ${one.below / 1024} K`;
  return {
    label,
    value: one.files,
    hint: `${label}: ${plural(one.files, "file")}${i === 0 ? "" : " (and not less than the step before)"}`,
  };
});
const { codeLines, testLines, testFiles } = tests.total;
const perFolder = tests.folders.filter((one) => one.codeLines + one.testLines > 0).slice(0, 10);
const copies = duplicates.contents.slice(0, 8);

writeText(
  "survey/sections/shape.html",
  `<section id="shape"><h2>Shape</h2><p class="lead">What lies here, and where.</p><div class="cards">\n` +
    card(
      "Languages",
      first
        ? `${first.name} is ${percent(first.lines, languages.lines)} of ${num(languages.lines)} lines in ${plural(languages.files, "file")}.`
        : "No text here.",
      shares(cut, "Lines by language"),
      true,
    ) +
    card(
      "Folders",
      `${size(folders.bytes)} in ${plural(folders.folders.length, "folder")} at the top; areas are bytes.`,
      treemap(folders.folders, "Folders by size"),
      true,
    ) +
    card(
      "Largest files",
      `Half of all files are smaller than ${size(largest.medianBytes)}. Generated and vendored files are left out.`,
      bars(
        written.slice(0, 10).map((file) => ({
          label: file.path,
          value: file.bytes,
          shown: size(file.bytes),
          hint: `${file.path}: ${file.lines === null ? "binary" : plural(file.lines, "line")}`,
        })),
        "Largest files",
      ),
    ) +
    card(
      "File sizes",
      `How ${plural(largest.files, "file")} are spread over sizes.`,
      columns(small, "Files by size", { wide: false, height: 250 }),
    ) +
    card(
      "Tests beside code",
      testLines === 0
        ? `No tests were found for ${num(codeLines)} lines of code.`
        : `${num(testLines)} lines of tests in ${plural(testFiles, "file")} for ${num(codeLines)} lines of code: ${percent(testLines, codeLines)}.`,
      bars(
        perFolder.map((one) => ({
          label: one.folder,
          value: one.codeLines + one.testLines,
          shown: `${num(one.codeLines)} code, ${num(one.testLines)} tests`,
          colour: one.testLines === 0 ? "var(--c3)" : "var(--c1)",
        })),
        "Lines of code and tests by folder",
      ),
    ) +
    card(
      "Copies",
      copies.length === 0
        ? "No content lies here twice."
        : `${size(duplicates.spareBytes)} would be saved if each content lay here once.`,
      copies.length === 0
        ? nothing(
            duplicates.names.length === 0
              ? "And no file name occurs twice."
              : `The most frequent file name is ${duplicates.names[0].name}: ${duplicates.names[0].count} times.`,
          )
        : bars(
            copies.map((one) => ({
              label: one.paths[0],
              value: one.bytes * (one.copies - 1),
              shown: `${one.copies} × ${size(one.bytes)}`,
              hint: one.paths.join("\n"),
            })),
            "Copied contents",
          ),
    ) +
    "</div></section>\n",
);
console.log("the section Shape is drawn");
