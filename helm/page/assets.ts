import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { OcaptainError } from "../../lib/base/errors.ts";
import { PROJECT } from "../../lib/base/program-file.ts";
import { setUpCommand } from "../../lib/base/set-up-command.ts";

/** A file of the page, as it is sent. */
export type Asset = { type: string; plain: Buffer; zipped: Buffer };

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Where set-up, or the package, has put the bundled page (tools/setup/page.mjs). */
const BUNDLE = join(PROJECT, "web", "dist");

/**
 * Reads the bundled page, whole: by the path of each file, `/` for the page itself. What is not in the list is not
 * there, whatever a path says.
 * @throws OcaptainError NO_PAGE when it was not bundled
 */
export async function readAssets(): Promise<{ files: ReadonlyMap<string, Asset>; digest: string }> {
  const files = new Map<string, Asset>();
  try {
    files.set("/", await assetOf(join(BUNDLE, "index.html")));
    for (const name of await readdir(join(BUNDLE, "assets")))
      if (extname(name) in TYPES) files.set(`/assets/${name}`, await assetOf(join(BUNDLE, "assets", name)));
  } catch (cause) {
    throw new OcaptainError("NO_PAGE", `the page was not bundled, or not wholly: ${BUNDLE}`, {
      hint: setUpCommand("page"),
      cause,
    });
  }
  const hash = createHash("sha256");
  for (const [path, { plain }] of files) hash.update(`${path}\0`).update(plain);
  return { files, digest: hash.digest("hex") };
}

async function assetOf(file: string): Promise<Asset> {
  const plain = await readFile(file);
  return { type: TYPES[extname(file)]!, plain, zipped: await promisify(gzip)(plain, { level: 9 }) };
}
