import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { OcaptainError } from "../../base/errors.ts";
import { PROJECT } from "../../base/program-file.ts";

/** The architectures of ships. */
export type ShipArch = "amd64" | "arm64";

/** The architecture of this machine, for a node of the captain's own and for harbor ships; another one has no ships. */
export const captainArch = (): ShipArch => (process.arch === "arm64" ? "arm64" : "amd64");

/** A static program for Linux on the captain's disk; `sha256` in hex. */
export type Program = { path: string; sha256: string };
/** The two programs. `source` says where they came from, for people. */
export type TailscaleParts = { version: string; source: string; tailscale: Program; tailscaled: Program };

const TOOLS = join(PROJECT, ".tools");

/**
 * The pinned tailscale and tailscaled for ships of `arch`, as `npm run setup -- tailscale-<arch>` made them
 * (tools/setup/tailscale.mjs): the vendor's release, else built from the Go module. They are not made here, because a
 * build takes minutes, and an `up` should not.
 * @throws OcaptainError TAILSCALE_MISSING with that command
 */
export async function tailscaleParts(arch: ShipArch, tools = TOOLS): Promise<TailscaleParts> {
  const name = `tailscale-${arch}`;
  const stamp = await readFile(join(tools, "stamps", `${name}.json`), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new OcaptainError("TAILSCALE_MISSING", `tailscale for ships of linux/${arch} is not there`, {
      hint: `npm run setup -- ${name}`,
    });
  });
  const { version, from, sha256 } = JSON.parse(stamp) as {
    version: string;
    from: string;
    sha256: { tailscale: string; tailscaled: string };
  };
  const program = (file: "tailscale" | "tailscaled") => ({ path: join(tools, name, file), sha256: sha256[file] });
  return { version, source: from, tailscale: program("tailscale"), tailscaled: program("tailscaled") };
}
