import { existsSync, lstatSync, readlinkSync } from "node:fs";

/**
 * What a confined ship sees of the captain's system, read-only: /usr and what leads into it. Not /opt, /srv, /home,
 * /root, /var, /run. For bwrap.
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
