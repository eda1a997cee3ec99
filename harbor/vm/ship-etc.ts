import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Names in the captain's /etc that a ship sees, read-only. Never passwd, group or shadow, and never profile, which
 * would reset PATH.
 */
const SHARED = [
  "alternatives",
  "ca-certificates",
  "ca-certificates.conf",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "nsswitch.conf",
  "pki",
  "resolv.conf",
  "services",
  "protocols",
  "ssl",
];

/**
 * Arguments for bwrap that give a ship its /etc: the shared names, and passwd, group, hosts and hostname, which are
 * written for this ship into `folder`.
 */
export function etcArguments(folder: string, name: string, ownNet: boolean): string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = {
    passwd: "root:x:0:0:root:/root:/usr/sbin/nologin\nsprite:x:1000:1000:sprite:/home/sprite:/bin/bash\n",
    group: "root:x:0:\ntty:x:5:\nsprite:x:1000:\n",
    hosts: `127.0.0.1 localhost ${name}\n::1 localhost\n`,
    hostname: `${name}\n`,
    // The captain's name servers are out of reach; with none a name is unknown at once, not after a time-out.
    ...(ownNet && { "resolv.conf": "# a network without names\n" }),
  };
  const args = ["--dir", "/etc"];
  for (const [file, text] of Object.entries(own)) {
    writeFileSync(join(folder, file), text);
    args.push("--ro-bind", join(folder, file), `/etc/${file}`);
  }
  for (const entry of SHARED.filter((shared) => !(shared in own)))
    if (existsSync(`/etc/${entry}`)) args.push("--ro-bind", `/etc/${entry}`, `/etc/${entry}`);
  return args;
}
