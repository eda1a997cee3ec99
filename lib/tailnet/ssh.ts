import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeAtomically } from "../atomic-file.ts";
import { OcaptainError } from "../errors.ts";
import { tailnetSshHome } from "../paths.ts";
import type { Captain } from "./captain.ts";
import { ipv4, type TailscaleNode } from "./cli.ts";

/** Folder of the `ssh` and `scp` that Mutagen calls in a voyage with a tailnet. */
export const TAILNET_SSH = fileURLToPath(new URL("ssh-bin/", import.meta.url));

/** The ssh configuration by which this machine reaches a voyage's ships, each by its name. */
export const sshConfigFile = (voyageId: string) => join(tailnetSshHome(voyageId), "config");

/**
 * Tailscale SSH knows who connects from the tailnet itself: no keys, no passwords, and nothing of the user's own ssh configuration. Host keys are
 * checked strictly, from the first connection on, against the tailnet's own record of them.
 */
const COMMON = `  BatchMode yes
  StrictHostKeyChecking yes
  GlobalKnownHostsFile /dev/null
  CheckHostIP no
  UpdateHostKeys no
  PubkeyAuthentication no
  PasswordAuthentication no
  KbdInteractiveAuthentication no
  IdentityAgent none
  ForwardAgent no
  ControlMaster no
  ControlPath none
  LogLevel ERROR
`;

/**
 * Makes ssh find a ship by its name. One file a ship, so that ships that are made at one time do not write over each other.
 * @throws OcaptainError NO_HOST_KEYS when the tailnet has none of it (yet): its Tailscale SSH is off, or it has just joined
 */
export async function writeShipSsh(
  captain: Captain,
  of: { voyageId: string; sprite: string; user: string; node: TailscaleNode },
): Promise<void> {
  const { voyageId, sprite, user, node } = of;
  const address = ipv4(node);
  if (!address || node.sshHostKeys.length === 0)
    throw new OcaptainError("NO_HOST_KEYS", `the tailnet has no ssh host keys of ${sprite}`, { hint: "pulumi up" });
  const ships = join(tailnetSshHome(voyageId), "ships");
  await mkdir(ships, { recursive: true, mode: 0o700 });
  const known = join(ships, `${sprite}.known-hosts`);
  await writeAtomically(known, node.sshHostKeys.map((key) => `${sprite} ${key.trim()}\n`).join(""), 0o600);
  const lines = [
    `Host ${sprite}`,
    `  HostName ${address}`,
    `  HostKeyAlias ${sprite}`,
    `  User ${user}`,
    `  UserKnownHostsFile ${quote(known)}`,
  ];
  await writeAtomically(join(ships, `${sprite}.conf`), `${lines.join("\n")}\n`, 0o600);
  // With a kernel interface the system's own connections go there; without one they need tailscaled to carry them.
  const proxy = captain.tun ? "" : `  ProxyCommand ${captain.cli.argv.map(quote).join(" ")} nc %h %p\n`;
  const config = `Include ${quote(join(ships, "*.conf"))}\nHost *\n${proxy}${COMMON}`;
  await writeAtomically(sshConfigFile(voyageId), config, 0o600);
}

/** Does this machine know the way to a ship? */
export const hasShipSsh = ({ voyageId, sprite }: { voyageId: string; sprite: string }): boolean =>
  existsSync(sshConfigFile(voyageId)) && existsSync(join(tailnetSshHome(voyageId), "ships", `${sprite}.conf`));

/** Forgets a ship. Quiet when it is not known. */
export async function removeShipSsh({ voyageId, sprite }: { voyageId: string; sprite: string }): Promise<void> {
  const ships = join(tailnetSshHome(voyageId), "ships");
  for (const name of [`${sprite}.conf`, `${sprite}.known-hosts`]) await rm(join(ships, name), { force: true });
}

/** For ssh's own reader of configuration files; a shell reads the ProxyCommand after it. */
const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`);
