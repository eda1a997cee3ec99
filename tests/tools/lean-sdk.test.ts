import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { environment } from "../../tools/environment.mjs";

const root = join(import.meta.dirname, "../..");

/** Runs lines in a Node like those of a `pulumi up`, and returns what they print, read as JSON. */
function inLeanNode(...lines: string[]) {
  const env = { ...process.env, ...environment({ ...process.env, NODE_OPTIONS: "--no-warnings" }) };
  const loaded = "const loaded = (name) => Object.keys(require.cache).some((file) => file.includes(name + '/lib/'));";
  const code = `${loaded} (async () => { ${lines.join("\n")} })()`;
  return JSON.parse(execFileSync(process.execPath, ["-e", code], { cwd: root, env, encoding: "utf8", stdio: "pipe" }));
}
/** Says which of the two parts are loaded. */
const BOTH = "[loaded('@npmcli/arborist'), loaded('typescript')]";

test("Pulumi's SDK loads npm's view of a package tree and TypeScript when they are used, and not before", () => {
  const seen = inLeanNode(
    "const pulumi = require('@pulumi/pulumi');",
    `const seen = [${BOTH}];`,
    "const { text } = await pulumi.runtime.serializeFunction(() => 1);",
    `seen.push(${BOTH});`,
    // The next one reads the package that it runs in, and this one is small.
    "process.chdir('tools/node24');",
    "const paths = await pulumi.runtime.computeCodePaths();",
    `console.log(JSON.stringify({ seen: [...seen, ${BOTH}], text, isMap: paths instanceof Map }));`,
  );
  expect(seen).toMatchObject({
    seen: [
      [false, false],
      [false, true],
      [true, true],
    ],
    text: expect.stringContaining("exports.handler"),
    isMap: true,
  });
});

test("the Automation API and the exporters of traces are loaded when they are used, and are what they are", () => {
  const seen = inLeanNode(
    "const { automation } = require('@pulumi/pulumi');",
    "const tracing = require('@pulumi/pulumi/cmd/run/tracing.js');",
    "const isLoaded = (part) => Object.keys(require.cache).some((file) => file.includes(part));",
    "const parts = () => [isLoaded('pulumi/automation/stack.'), isLoaded('/sdk-trace-node/build')];",
    "const seen = [parts()];",
    "tracing.start('http://127.0.0.1:9/api');",
    "seen.push(parts(), tracing.newSpan('a span').constructor.name);",
    "seen.push(typeof automation.LocalWorkspace.createStack, parts());",
    "console.log(JSON.stringify(seen));",
  );
  expect(seen).toEqual([[false, false], [false, true], "SpanImpl", "function", [true, true]]);
});

test("another program gets such a package at once, and its own options of Node's stay", () => {
  const line = `require('@npmcli/arborist'); console.log(JSON.stringify([...${BOTH}, process.env.NODE_OPTIONS]));`;
  expect(inLeanNode(line)).toEqual([true, false, expect.stringMatching(/^--no-warnings --require="/)]);
});
