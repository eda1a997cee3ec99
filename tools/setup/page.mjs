import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "../places.mjs";

const source = join(root, "web");
/** The folder of the bundled page, in a checkout and in the package, which the helm serves. */
const bundle = join(source, "dist");
/** The file of the bundle that says from what it was made. */
const digestFile = join(bundle, "digest");

/**
 * The page, bundled. Nothing but what is there says whether it was made, so that two checkouts that share their other
 * tools have each their own.
 */
export const page = {
  name: "page",
  title: "the page of ocaptain dashboard",
  key: digest,
  intact: isReady,
  look: () => (isReady() ? { key: digest(), version: "", from: "esbuild (web/)" } : undefined),
  async make() {
    await bundlePage();
    return { version: "", from: "esbuild (web/)" };
  },
};

function isReady() {
  return existsSync(digestFile) && readFileSync(digestFile, "utf8") === digest();
}

/** sha256 over all that the bundle is made from: the page's sources, what it takes of lib/, and the packages. */
function digest() {
  const hash = createHash("sha256").update(readFileSync(join(root, "package-lock.json")));
  const files = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.startsWith(bundle));
  for (const file of [...files.sort(), join(root, "lib/watch/page-api.ts")])
    hash.update(`${file.slice(root.length)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

/** Bundles the page into its folder, and returns that. It takes half a second, and nothing from the network. */
export async function bundlePage() {
  // It is loaded here, because set-up installs it just before.
  const esbuild = await import("esbuild");
  const fresh = `${bundle}.${randomBytes(4).toString("hex")}`;
  const key = digest();
  try {
    const workers = join(source, "workers");
    const entryPoints = [
      join(source, "main.tsx"),
      join(source, "main.css"),
      ...(existsSync(workers) ? readdirSync(workers).map((name) => join(workers, name)) : []),
    ];
    const { metafile } = await esbuild.build({
      metafile: true,
      entryPoints: entryPoints.map((file) => ({ in: file, out: basename(file).replace(/\.\w+$/, "") })),
      outdir: join(fresh, "assets"),
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      charset: "utf8",
      logLevel: "silent",
      absWorkingDir: root,
    });
    mkdirSync(fresh, { recursive: true });
    writeFileSync(join(fresh, "index.html"), readFileSync(join(source, "index.html")));
    writeFileSync(join(fresh, "licences.txt"), licencesOf(Object.keys(metafile.inputs)));
    writeFileSync(join(fresh, "digest"), key);
    if (existsSync(bundle)) renameSync(bundle, `${fresh}.replaced`);
    renameSync(fresh, bundle);
  } finally {
    for (const left of [fresh, `${fresh}.replaced`]) rmSync(left, { recursive: true, force: true });
  }
  return bundle;
}

/** The licences of the packages that are in the bundle, which whoever hands it on has to hand on with it. */
function licencesOf(inputs) {
  const folders = inputs.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const texts = [...new Set(folders)].sort().map((path) => {
    const folder = join(root, path);
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    return `${name}\n\n${file ? readFileSync(join(folder, file), "utf8") : "(its package has no text of a licence)\n"}`;
  });
  return texts.join("\n\n");
}
