import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { writeAtomically } from "../../base/atomic-file.ts";
import { OcaptainError } from "../../base/errors.ts";
import { tailnetSshHome } from "../../base/paths.ts";
import { IPv4, SshHostKey, shipFacts, UserName } from "../../ship/facts.ts";
import type { Captain } from "./captain.ts";
import { ipv4, type TailscaleNode } from "./tailscale-cli.ts";

/** The folder of the `ssh` and `scp` that Mutagen calls in a voyage with a tailnet. */
export const TAILNET_SSH = fileURLToPath(new URL("ssh-bin/", import.meta.url));

/** The ssh configuration by which this machine reaches a voyage's ships, each by its name. */
export const sshConfigFile = (voyageId: string) => join(tailnetSshHome(voyageId), "config");

/**
 * Settings for all ships. Tailscale SSH knows from the tailnet who connects, so there are no keys and no passwords, and
 * nothing of the user's own ssh configuration counts. Host keys are checked strictly, from the first connection on,
 * against the tailnet's own record of them.
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
 * What is written of a ship into ssh's configuration. It is checked here, because a line feed in it would let a ship
 * write a setting.
 */
const Way = z.object({
  sprite: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  address: IPv4,
  user: UserName,
  hostKeys: z.array(SshHostKey).min(1).max(16),
});

/**
 * Makes ssh find a ship by its name. Each ship has its own file, so that ships that are made at one time do not
 * overwrite each other's.
 * @throws OcaptainError NO_HOST_KEYS when the tailnet has no host keys of the ship, because its Tailscale SSH is off or
 *   it has just joined; SHIP_FACTS when what is told of the ship does not belong into such a file
 */
export async function writeShipSsh(
  captain: Captain,
  of: { voyageId: string; sprite: string; user: string; node: TailscaleNode },
): Promise<void> {
  const { voyageId, sprite, user, node } = of;
  const address = ipv4(node);
  if (!address || node.sshHostKeys.length === 0)
    throw new OcaptainError("NO_HOST_KEYS", `the tailnet has no ssh host keys of ${sprite}`, { hint: "pulumi up" });
  const way = shipFacts(sprite, Way, JSON.stringify({ sprite, address, user, hostKeys: node.sshHostKeys }));
  const { known, conf } = filesOf(voyageId, sprite);
  await mkdir(dirname(conf), { recursive: true, mode: 0o700 });
  await writeAtomically(known, way.hostKeys.map((key) => `${sprite} ${key}\n`).join(""), 0o600);
  await writeAtomically(conf, shipConfig(way, known), 0o600);
  // With a kernel interface the system's own connections go there; without one they need tailscaled to carry them.
  const proxy = captain.tun ? "" : `  ProxyCommand ${captain.cli.argv.map(quote).join(" ")} nc %h %p\n`;
  const config = `Include ${quote(join(dirname(conf), "*.conf"))}\nHost *\n${proxy}${COMMON}`;
  await writeAtomically(sshConfigFile(voyageId), config, 0o600);
}

const filesOf = (voyageId: string, sprite: string) => {
  const ships = join(tailnetSshHome(voyageId), "ships");
  return { known: join(ships, `${sprite}.known-hosts`), conf: join(ships, `${sprite}.conf`) };
};

const shipConfig = ({ sprite, address, user }: Pick<z.infer<typeof Way>, "sprite" | "address" | "user">, known: string): string =>
  [
    `Host ${sprite}`,
    `  HostName ${address}`,
    `  HostKeyAlias ${sprite}`,
    `  User "${user}"`,
    `  UserKnownHostsFile ${quote(known)}`,
    "",
  ].join("\n");

/**
 * Whether this machine's ssh can find a ship, as `user` if given. A file that is not as {@link writeShipSsh} writes it
 * counts as none.
 */
export function hasShipSsh({ voyageId, sprite, user }: { voyageId: string; sprite: string; user?: string | undefined }): boolean {
  const { known, conf } = filesOf(voyageId, sprite);
  if (!existsSync(sshConfigFile(voyageId)) || !existsSync(known) || !existsSync(conf)) return false;
  const text = readFileSync(conf, "utf8");
  const [, address] = /^ {2}HostName (\S+)$/m.exec(text) ?? [];
  const [, itsUser] = /^ {2}User "(\S+)"$/m.exec(text) ?? [];
  const way = Way.omit({ hostKeys: true }).safeParse({ sprite, address, user: user ?? itsUser });
  return way.success && text === shipConfig(way.data, known);
}

/** Makes ssh forget a ship. Quiet when it is not known. */
export async function removeShipSsh({ voyageId, sprite }: { voyageId: string; sprite: string }): Promise<void> {
  for (const file of Object.values(filesOf(voyageId, sprite))) await rm(file, { force: true });
}

/** A word, quoted for ssh's configuration files; for a ProxyCommand a shell reads it after that. */
const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `"${word}"`);
