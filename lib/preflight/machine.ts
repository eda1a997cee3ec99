import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { harborHome, helmSocket, mutagenHome, ocaptainHome, voyagesRoot } from "../base/paths.ts";
import type { Check } from "./check.ts";

/** The longest path of a unix socket on Linux, bytes: `sun_path` without its final NUL. */
const MAX_SOCKET_PATH = 107;
const MiB = 1024 * 1024;

/**
 * The least free space, MiB: `OCAPTAIN_MIN_FREE_MIB`, default 1024, for a repository, its checkout, and two trees for
 * each ship.
 */
const minFreeMiB = () => Number(process.env.OCAPTAIN_MIN_FREE_MIB || 1024);

/** Checks that there is room, and the right to write, where voyages and ships will be. */
export function spaceCheck(): Check {
  const look = async (variable: string, folder: string) => {
    const what = `folder ${folder}`;
    const there = await nearest(folder);
    if (!(await stat(there)).isDirectory())
      return [{ what, message: `${there} is not a folder`, hint: `export ${variable}=/another/folder` }];
    if (!(await may(there, constants.W_OK)))
      return [{ what, message: `${there} cannot be written`, hint: `export ${variable}=/another/folder` }];
    const { bavail, bsize } = await statfs(there);
    const freeMiB = Math.floor((bavail * bsize) / MiB);
    if (freeMiB >= minFreeMiB()) return [];
    return [
      {
        what,
        message: `${freeMiB} MiB are free; at least ${minFreeMiB()} are needed`,
        hint: `make room, or: export ${variable}=/another/folder`,
      },
    ];
  };
  return {
    what: "free space",
    look: async () => [...(await look("OCAPTAIN_VOYAGES", voyagesRoot())), ...(await look("OCAPTAIN_HOME", ocaptainHome()))],
  };
}

/**
 * Checks that the paths of unix sockets below `OCAPTAIN_HOME` are not too long for the kernel. The tmux server of an
 * unconfined ship has one there too.
 */
export function socketPathCheck(unconfined = false): Check {
  const what = "OCAPTAIN_HOME";
  return {
    what,
    look: async () => {
      const tmux = join(harborHome(), "s", "00000000", `tmux-${process.getuid?.()}`, "default");
      const longest = [join(mutagenHome("000000"), "daemon", "daemon.sock"), helmSocket(), ...(unconfined ? [tmux] : [])]
        .map((path) => Buffer.byteLength(path))
        .reduce((a, b) => Math.max(a, b));
      if (longest <= MAX_SOCKET_PATH) return [];
      const message = `${ocaptainHome()} is ${longest - MAX_SOCKET_PATH} bytes too long: sockets in it may have paths of ${MAX_SOCKET_PATH} bytes`;
      return [{ what, message, hint: "export OCAPTAIN_HOME=/a/shorter/folder" }];
    },
  };
}

/** The folder itself, or the first one above it that exists. */
async function nearest(folder: string): Promise<string> {
  for (let at = folder; at !== dirname(at); at = dirname(at)) if (await may(at, constants.F_OK)) return at;
  return "/";
}

const may = (path: string, mode: number) =>
  access(path, mode).then(
    () => true,
    () => false,
  );
