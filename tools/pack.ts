import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { BUILD_FILE, helmBuild } from "../lib/daemons/helm-build.ts";
import { toJavaScript } from "../lib/ship/crew-pack.ts";
import { bundlePage } from "./setup/page.mjs";

/**
 * The work of `npm run pack`: makes the npm package, a tarball in the current folder or in the one that is named.
 *
 * Node strips no types below `node_modules`, so they are stripped here, into a folder of the same layout: line numbers
 * stay the same, and so does every path that code builds from its own place. The crew is packed as TypeScript: it is
 * stripped when it is put on a ship, and so it has the same digest as in a checkout.
 */
const root = join(import.meta.dirname, "..");
const run = promisify(execFile);
const LIMITS = { timeout: 2 * 60_000, maxBuffer: 1e8 };

const STRIPPED = [
  "index.ts",
  "library.ts",
  "start.mjs",
  "lib",
  "helm",
  "harbor",
  "telemetry",
  "components",
  "dynamic-providers",
  "cli",
];
const SKILLS = [".claude-plugin", "plugin"];
const COPIED = ["crew", "bin", "plans/survey", "plans/schema", ...SKILLS, "Pulumi.yaml", "LICENSE", "README.md"];
/** What `ocaptain setup` and the environment of a shell need. */
const SET_UP = [
  "environment.mjs",
  "engine-end.cjs",
  "lean-sdk.cjs",
  "places.mjs",
  "versions.json",
  "setup.mjs",
  "setup",
  "language-host",
  "go",
  "node24",
];

/** Packs into the folder `destination`, and returns the tarball's path. */
export async function pack(destination: string): Promise<string> {
  const staging = mkdtempSync(join(tmpdir(), "oc-pack-"));
  try {
    for (const name of [...COPIED, ...SET_UP.map((name) => join("tools", name))])
      cpSync(join(root, name), join(staging, name), { recursive: true });
    for (const name of STRIPPED) strip(name, staging);
    // What the page is bundled from is not packed: its packages are not there where it runs.
    cpSync(await bundlePage(), join(staging, "web", "dist"), { recursive: true });
    writeFileSync(join(staging, BUILD_FILE), `${await helmBuild()}\n`);
    writeFileSync(join(staging, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);
    await declare(staging);
    mkdirSync(destination, { recursive: true });
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", resolve(destination)], {
      cwd: staging,
      ...LIMITS,
    });
    return join(resolve(destination), (JSON.parse(stdout) as [{ filename: string }])[0].filename);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Copies a file or a folder into `staging`; TypeScript becomes JavaScript. */
function strip(name: string, staging: string): void {
  const source = join(root, name);
  if (statSync(source).isDirectory()) {
    for (const inner of readdirSync(source)) strip(join(name, inner), staging);
    return;
  }
  const target = join(staging, name.replace(/\.ts$/, ".js"));
  mkdirSync(dirname(target), { recursive: true });
  if (/\.(ts|mjs)$/.test(name)) writeFileSync(target, toJavaScript(readFileSync(source, "utf8")));
  else cpSync(source, target);
}

/**
 * The package's own package.json, without the checkout's scripts and development dependencies, and with JavaScript
 * where the checkout's names TypeScript.
 */
function manifest(): object {
  const { private: _, scripts, devDependencies, exports, ...rest } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return {
    ...rest,
    main: "start.mjs",
    engines: { node: ">=24" },
    exports: {
      ".": { types: "./library.d.ts", default: "./library.js" },
      "./host": "./dynamic-providers/host.js",
      "./package.json": "./package.json",
    },
  };
}

/** Writes the type declarations of what a user's program imports. */
async function declare(staging: string): Promise<void> {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const options = ["--declaration", "--emitDeclarationOnly", "--noEmit", "false", "--outDir", staging, "--rootDir", root];
  const config = join(staging, "tsconfig.json");
  const compilerOptions = { typeRoots: [join(root, "node_modules", "@types")] };
  const only = { extends: join(root, "tsconfig.json"), compilerOptions, include: [], files: [join(root, "library.ts")] };
  writeFileSync(config, JSON.stringify(only));
  await run(process.execPath, [tsc, "-p", config, ...options], { cwd: root, ...LIMITS });
  rmSync(config);
}

if (import.meta.main) console.log(await pack(process.argv[2] ?? "."));
