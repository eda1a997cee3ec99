import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeAtomically } from "../../lib/base/atomic-file.ts";
import { OcaptainError } from "../../lib/base/errors.ts";
import { voyagesRoot } from "../../lib/base/paths.ts";
import { said } from "../../lib/base/text.ts";
import { stopCrew } from "../../lib/ship/crew-launch.ts";
import { shipScript } from "../../lib/ship/shell.ts";
import type { SpriteInfo, SpritesClient } from "../../lib/sprites/types.ts";

/** The most that an answer with an archive may have: some 190 MiB of compressed work. */
const MOST_BYTES = 256 * 1024 * 1024;
const FETCH_MS = 10 * 60_000;

/** Packs what a crew may have written, without the crew's own files, which hold its token. */
const PACK = `cd "$HOME/voyage" || exit 1
set --
for part in workspace aside logs; do [ ! -e "$part" ] || set -- "$@" "$part"; done
trap 'rm -f swept.tar.gz' EXIT
tar -czf swept.tar.gz "$@" && sha256sum < swept.tar.gz && base64 < swept.tar.gz`;

/**
 * Ends the crew of a VM, and brings its tree, with the repository in it, and its logs into an archive beside the
 * voyages' folders. Returns the archive's path.
 * @throws OcaptainError NOT_FETCHED, TOO_LONG
 */
export async function fetchWork(sprites: SpritesClient, { name, id }: SpriteInfo): Promise<string> {
  await sprites.exec(name, stopCrew, { timeoutMs: 60_000 });
  const packed = await sprites.exec(name, shipScript(PACK), { mostBytes: MOST_BYTES, timeoutMs: FETCH_MS });
  const at = packed.stdout.indexOf("\n");
  const archive = Buffer.from(packed.stdout.slice(at + 1), "base64");
  const digest = packed.stdout.slice(0, Math.max(at, 0)).split(" ")[0];
  if (packed.exitCode !== 0 || createHash("sha256").update(archive).digest("hex") !== digest)
    throw new OcaptainError("NOT_FETCHED", `the work on sprite ${name} could not be packed: ${said(packed.stderr)}`, {
      hint: "ocaptain sweep --fetch  # again",
    });
  const to = join(voyagesRoot(), ".swept", `${name}.${id}.tar.gz`);
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await writeAtomically(to, archive, 0o600);
  return to;
}
