// What the plan of this folder is for: a program that works on text, of commands that one file lists and one page
// tells of. `node plans/example.mjs commands FOLDER`.
export const files = {
  "package.json": `{ "name": "text", "private": true, "type": "module" }\n`,
  "src/registry.mjs": `/** The commands, each of which has a file of its own: it takes a text, and returns one. */
export const commands = {
  upper: () => import("./upper.mjs"),
};
`,
  "src/upper.mjs": "export default (text) => text.toUpperCase();\n",
  "bin/text.mjs": `import { readFileSync } from "node:fs";
import { commands } from "../src/registry.mjs";

const load = commands[process.argv[2]];
if (!load) {
  console.error(\`no such command: \${process.argv[2]}\`);
  process.exit(2);
}
process.stdout.write((await load()).default(readFileSync(0, "utf8")));
`,
  "docs/index.md": "# Commands\n\n- [upper](upper.md)\n",
  "docs/upper.md": "# upper\n\nMakes capitals of all letters: `echo sea | node bin/text.mjs upper` prints `SEA`.\n",
};
