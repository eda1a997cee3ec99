import { existsSync, lstatSync, readlinkSync } from "node:fs";

/**
 * The arguments of bwrap by which a confined ship sees the captain's system, read-only: /usr and what leads into it. It
 * sees none of /opt, /srv, /home, /root, /var and /run.
 */
export function systemArguments(): string[] {
  const args = ["--ro-bind", "/usr", "/usr"];
  for (const path of ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]) {
    if (!existsSync(path)) continue;
    if (lstatSync(path).isSymbolicLink()) args.push("--symlink", readlinkSync(path), path);
    else args.push("--ro-bind", path, path);
  }
  return args;
}
