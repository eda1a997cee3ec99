// Makes ES modules of CommonJS files: node tools/to-module.mjs lib/length.js test/length.test.js
import { readFileSync, rmSync, writeFileSync } from "node:fs";

for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, "utf8")
    .replace(/^"use strict";\n\n/m, "")
    .replace(/^exports\.(\w+) = require\("(\..*)\.js"\);$/gm, 'export * as $1 from "$2.mjs";')
    .replace(/^const (\w+) = require\("(\..*)\.js"\);$/gm, 'import * as $1 from "$2.mjs";')
    .replace(/^const (.*) = require\("(node:.*)"\);$/gm, 'import $1 from "$2";')
    .replace(/^exports\.(\w+) = /gm, "export const $1 = ");
  writeFileSync(file.replace(/\.js$/, ".mjs"), text);
  rmSync(file);
}
