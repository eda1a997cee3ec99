// What the plan of this folder is for: a library of CommonJS modules. `node plans/example.mjs modules FOLDER`.
import { measures } from "./measures.mjs";

const simple = ({ units }) => `"use strict";

const units = ${JSON.stringify(units)};

exports.convert = (value, from, to) => (value * units[from]) / units[to];
`;

const ratio = ({ over: [one, other] }) => `"use strict";

const ${one} = require("./${one}.js");
const ${other} = require("./${other}.js");

exports.convert = (value, from, to) => {
  const [a, b] = from.split("/");
  const [c, d] = to.split("/");
  return ${one}.convert(value, a, c) / ${other}.convert(1, b, d);
};
`;

const testOf = (name, { sample: [value, from, to, result] }) => `"use strict";

const assert = require("node:assert");
const { test } = require("node:test");
const ${name} = require("../lib/${name}.js");

test("${from} to ${to}", () => {
  assert.ok(Math.abs(${name}.convert(${value}, "${from}", "${to}") - ${result}) < 1e-9);
});
`;

const names = Object.keys(measures);

export const files = {
  "package.json": `${JSON.stringify({ name: "measures", private: true, main: "lib/index.js", bin: "bin/convert.js", scripts: { test: "node --test" } }, null, 2)}\n`,
  "README.md": `# Measures

    const { length } = require("measures");
    length.convert(1, "nm", "km"); // 1.852

On the command line: \`node bin/convert.js length 1 nm km\`.
`,
  "lib/index.js": `"use strict";\n\n${names.map((name) => `exports.${name} = require("./${name}.js");\n`).join("")}`,
  "bin/convert.js": `"use strict";

const measures = require("../lib/index.js");

const [measure, value, from, to] = process.argv.slice(2);
console.log(measures[measure].convert(Number(value), from, to));
`,
  ...Object.fromEntries(
    names.flatMap((name) => [
      [`lib/${name}.js`, (measures[name].over ? ratio : simple)(measures[name])],
      [`test/${name}.test.js`, testOf(name, measures[name])],
    ]),
  ),
};
