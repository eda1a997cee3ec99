import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { OcaptainError } from "../../base/errors.ts";
import { toolsFolder } from "../../base/paths.ts";
import { PROJECT } from "../../base/program-file.ts";
import { setUpCommand } from "../../base/set-up-command.ts";

/** The architectures of ships. */
export type ShipArch = "amd64" | "arm64";

/** The architecture of this machine, for a node of the captain's own and for harbor ships; another one has no ships. */
export const captainArch = (): ShipArch => (process.arch === "arm64" ? "arm64" : "amd64");

/** A static program for Linux on the captain's disk; `sha256` in hex. */
export type Program = { path: string; sha256: string };
/** The two programs. `source` says where they came from, for people. */
export type TailscaleParts = { version: string; source: string; tailscale: Program; tailscaled: Program };

/** Where set-up once put both programs. */
const EARLIER = join(PROJECT, ".tools");

/**
 * The pinned tailscale and tailscaled for ships of `arch`, as set-up made them in the folder of tools when it was asked
 * for them (tools/setup/tailscale.mjs): the vendor's release, else built from the Go module. They are not made here,
 * because a build takes minutes, and an `up` should not.
 * @throws OcaptainError TAILSCALE_MISSING with that command
 */
export async function tailscaleParts(arch: ShipArch, tools = toolsFolder()): Promise<TailscaleParts> {
  const name = `tailscale-${arch}`;
  const pinned: { tailscale: string } = JSON.parse(await readFile(join(PROJECT, "tools", "versions.json"), "utf8"));
  const places = [
    { folder: join(tools, `tailscale-${pinned.tailscale}-linux-${arch}`), stamp: "stamp.json" },
    ...(tools === toolsFolder() ? [{ folder: join(EARLIER, name), stamp: join("..", "stamps", `${name}.json`) }] : []),
  ];
  const place = places.find(({ folder, stamp }) => existsSync(join(folder, stamp)));
  if (!place)
    throw new OcaptainError("TAILSCALE_MISSING", `tailscale for ships of linux/${arch} is not there`, {
      hint: setUpCommand(name),
    });
  const { folder } = place;
  const stamp = await readFile(join(folder, place.stamp), "utf8");
  const { version, from, sha256 } = JSON.parse(stamp) as {
    version: string;
    from: string;
    sha256: { tailscale: string; tailscaled: string };
  };
  const program = (file: "tailscale" | "tailscaled") => ({ path: join(folder, file), sha256: sha256[file] });
  return { version, source: from, tailscale: program("tailscale"), tailscaled: program("tailscaled") };
}
