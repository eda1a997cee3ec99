// Writes tasks/*.json from measures.mjs: `node plans/modules/generate.mjs`. A test holds them in step.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { measures } from "./measures.mjs";

const names = Object.keys(measures);
/** A module's task: the way is paved by task 1, and the modules follow in their order. */
const idOf = (name) => String(2 + names.indexOf(name));
const js = (text) => `node --input-type=module -e '${text}'`;
const convert = (...paths) => `node tools/to-module.mjs ${paths.join(" ")}`;
const moved = (path) => path.replace(/\.js$/, ".mjs");
const way = readFileSync(join(import.meta.dirname, "tools/to-module.mjs"), "utf8");

const pave = {
  subject: "Pave the way",
  description:
    "Write tools/to-module.mjs: it makes an ES module of each CommonJS file that is named, as x.mjs in place of x.js. `require` of one of our files becomes `import * as`, of that file's new name, and `exports.x =` becomes `export const x =`. Look at all of lib, test and bin first: it must serve each of them. Convert none of them yet.",
  touches: ["tools/to-module.mjs"],
  check: `printf '"use strict";\\n\\nexports.one = 1;\\n' > "\${t:=$(mktemp -d)}/x.js" && node tools/to-module.mjs "$t/x.js" && grep -qx 'export const one = 1;' "$t/x.mjs" && ! test -e "$t/x.js"`,
  rehearsal: `mkdir -p tools\ncat > tools/to-module.mjs <<'END_OF_TOOL'\n${way}END_OF_TOOL`,
};

/** The check tells by a value that is not in the tree: a test could be emptied by what is checked. */
const modules = names.map((name) => {
  const { over = [], sample } = measures[name];
  const [value, from, to, result] = sample;
  const old = [`lib/${name}.js`, `test/${name}.test.js`];
  return {
    subject: `Convert ${name}`,
    description: `Make ES modules of lib/${name}.js and of its test, by the tool of task 1. Look at what it has made, and run the test. Other modules are other tasks'.`,
    blockedBy: ["1", ...over.map(idOf)],
    touches: [...old, ...old.map(moved)],
    check: `${js(`import { convert } from "./lib/${name}.mjs"; if (!(Math.abs(convert(${value}, "${from}", "${to}") - ${result}) < 1e-9)) process.exit(1)`)} && node test/${name}.test.mjs && ${old.map((path) => `! test -e ${path}`).join(" && ")}`,
    rehearsal: convert(...old),
  };
});

const index = String(2 + names.length);
const after = (n) => String(Number(index) + n);
const rest = [
  {
    subject: "Bind the index",
    description: "Make an ES module of lib/index.js, which gives out every module under its name.",
    blockedBy: names.map(idOf),
    touches: ["lib/index.js", "lib/index.mjs"],
    check: `${js(`import * as all from "./lib/index.mjs"; if (Object.keys(all).length !== ${names.length} || all.length.convert(1, "km", "m") !== 1000) process.exit(1)`)} && ! test -e lib/index.js`,
    rehearsal: convert("lib/index.js"),
  },
  {
    subject: "Convert the command",
    description: "Make an ES module of bin/convert.js. package.json is another task's.",
    blockedBy: [index],
    touches: ["bin/convert.js", "bin/convert.mjs"],
    check: 'test "$(node bin/convert.mjs length 1 nm km)" = 1.852 && ! test -e bin/convert.js',
    rehearsal: convert("bin/convert.js"),
  },
  {
    subject: "Tell it to package.json",
    description:
      'In package.json say "type": "module", "exports" (the index) instead of "main", and the new name of the command as "bin".',
    blockedBy: [index],
    touches: ["package.json"],
    check: `${js('import { speed } from "measures"; if (!speed.convert) process.exit(1)')} && node -e 'const p = require("./package.json"); if (p.main || p.bin !== "bin/convert.mjs" || p.type !== "module") process.exit(1)'`,
    rehearsal: `node -e 'const fs = require("fs"); const { main, ...p } = JSON.parse(fs.readFileSync("package.json")); fs.writeFileSync("package.json", JSON.stringify({ ...p, type: "module", exports: "./lib/index.mjs", bin: "bin/convert.mjs" }, null, 2) + "\\n")'`,
  },
  {
    subject: "Tell it to readers",
    description: "README.md shows `import` instead of `require`, and the command's new name.",
    blockedBy: [index],
    touches: ["README.md"],
    check: `! grep -n require README.md && grep -q 'import { length } from "measures"' README.md && grep -q bin/convert.mjs README.md`,
    rehearsal: `sed -i 's/^\\( *\\)const { length } = require("measures")/\\1import { length } from "measures"/; s#bin/convert.js#bin/convert.mjs#' README.md`,
  },
  {
    subject: "Sweep up",
    description:
      "Remove tools/to-module.mjs. Look through lib, test and bin: nothing in them may call `require` or end in .js. Run all tests.",
    blockedBy: [after(1), after(2), after(3)],
    touches: ["tools/**", "lib/**", "test/**", "bin/**"],
    check: "! grep -rn 'require(' lib test bin && ! test -e tools",
    rehearsal: "git rm -q -r tools",
  },
];

/** Every task as its file has it: Map file name -> text. */
export const files = new Map(
  [pave, ...modules, ...rest].map(({ subject, description, blockedBy = [], touches, check, rehearsal }, i) => {
    const metadata = { touches, estimateMinutes: 10, check, rehearsal };
    const task = { id: String(i + 1), subject, description, blockedBy, metadata };
    return [`${task.id}.json`, `${JSON.stringify(task, null, 2)}\n`];
  }),
);

if (process.argv[1] === import.meta.filename) {
  const target = join(import.meta.dirname, "tasks");
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  for (const [name, text] of files) writeFileSync(join(target, name), text);
  console.log(`${files.size} tasks`);
}
