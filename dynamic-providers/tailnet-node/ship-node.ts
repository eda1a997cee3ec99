import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { z } from "zod";
import { OcaptainError } from "../../lib/base/errors.ts";
import { said } from "../../lib/base/text.ts";
import type { DoorConfig } from "../../lib/protocol/ship-files.ts";
import { BackendState, lastLine, NodeId, SearchPath, Sha256, ShipPath, shipFacts, UserName } from "../../lib/ship/facts.ts";
import { provisionArgv, provisionStdin } from "../../lib/ship/install.ts";
import { shipProgram, shipScript } from "../../lib/ship/shell.ts";
import type { ServiceSpec, SpritesClient } from "../../lib/sprites/types.ts";
import { type ShipArch, tailscaleParts } from "../../lib/tailnet/node/parts.ts";
import { tailscaledEnvironment } from "../shared/tailscaled-environment.ts";

/**
 * The folder of the tailnet on a ship, below its home: programs, state, socket, and the configuration of the way to the
 * helm.
 */
const FOLDER = "voyage/tailnet";
/** The two services of a ship in a tailnet. */
const TAILSCALED = "tailscaled";
const DOOR = "helm-door";
const SOCKS_PORT = 1055;
const JOIN_SECONDS = 25;
const ANSWER_SECONDS = 20;
/** The file in which a tailscaled keeps who it is, below its folder. */
const STATE = "state/tailscaled.state";
/** The file in which we keep the control plane's URL, which tailscaled does not tell. */
const LOGIN_SERVER = "login-server";

const PROGRAMS = ["tailscale", "tailscaled"] as const;

/** What {@link lookAtShip} finds. */
const Facts = z.object({
  home: ShipPath,
  user: UserName,
  /** The path of its Node. */
  node: ShipPath,
  path: SearchPath,
  arch: z.enum(["x64", "arm64"]),
  /** Whether tailscaled could have a kernel interface. */
  tun: z.boolean(),
  /** Whether a tailscaled has been here before, with its state. */
  wasThere: z.boolean(),
  /** The URL of the control plane that the ship has joined, "" for Tailscale's own; null when it has joined none. */
  loginServer: z.string().max(2048).nullable(),
  /** The sha256 of each program that is there. */
  sums: z.object({ tailscale: Sha256.nullable(), tailscaled: Sha256.nullable() }),
});
export type NodeFacts = z.infer<typeof Facts>;

/** The program that looks at a ship. CAP_NET_ADMIN is bit 12 of its capabilities (capability.h). */
const LOOK = `
const fs = require("fs"), os = require("os"), path = require("path"), { createHash } = require("crypto");
const folder = path.join(os.homedir(), "${FOLDER}");
const sum = (name) => { try { return createHash("sha256").update(fs.readFileSync(path.join(folder, name))).digest("hex"); } catch { return null; } };
const tun = () => {
  try {
    const caps = BigInt("0x" + /^CapEff:\\s+(\\w+)/m.exec(fs.readFileSync("/proc/self/status", "utf8"))[1]);
    if (!(caps >> 12n & 1n)) return false;
    fs.closeSync(fs.openSync("/dev/net/tun", "r+"));
    return true;
  } catch { return false; }
};
const loginServer = () => { try { return fs.readFileSync(path.join(folder, "${LOGIN_SERVER}"), "utf8"); } catch { return null; } };
console.log(JSON.stringify({ home: os.homedir(), user: os.userInfo().username, node: process.execPath, path: process.env.SHIP_PATH || process.env.PATH, arch: process.arch,
  tun: tun(), wasThere: fs.existsSync(path.join(folder, "${STATE}")), loginServer: loginServer(), sums: { tailscale: sum("tailscale"), tailscaled: sum("tailscaled") } }));
`;

/** Looks at a ship, and wakes it. @throws OcaptainError JOIN, SHIP_FACTS */
export async function lookAtShip(sprites: SpritesClient, sprite: string): Promise<NodeFacts> {
  const result = await sprites.exec(sprite, shipProgram("node", "-e", LOOK));
  if (result.exitCode !== 0) throw failed(sprite, "cannot be looked at", result.stderr || result.stdout);
  return shipFacts(sprite, Facts, lastLine(result.stdout));
}

/**
 * Puts the pinned tailscale and tailscaled on a ship, where they are missing or differ. Each is put in place by a
 * rename, which a running one survives, and only after its checksum was seen on the ship.
 */
export async function putPrograms(sprites: SpritesClient, sprite: string, facts: NodeFacts): Promise<{ sha256: string }> {
  const arch: ShipArch = facts.arch === "arm64" ? "arm64" : "amd64";
  const parts = await tailscaleParts(arch);
  for (const program of PROGRAMS) {
    const { path, sha256 } = parts[program];
    if (facts.sums[program] === sha256) continue;
    const at = `${facts.home}/${FOLDER}/${program}`;
    await sprites.writeFile(sprite, `${at}.gz`, await programBytes(path), 0o600);
    const place =
      'gzip -dc "$1.gz" > "$1.next" && echo "$2  $1.next" | sha256sum -c - >&2 && chmod 755 "$1.next" && mv -f "$1.next" "$1" && rm "$1.gz"';
    const result = await sprites.exec(sprite, shipScript(place, at, sha256));
    if (result.exitCode !== 0) throw failed(sprite, `has not got ${program} ${parts.version} as it was sent`, result.stderr);
  }
  return parts.tailscaled;
}

const bytes = new Map<string, Promise<Buffer>>();

/** A program, compressed to less than half its size. It is read and compressed once for all ships of an `up`. */
function programBytes(path: string): Promise<Buffer> {
  const known = bytes.get(path) ?? readFile(path).then((program) => promisify(gzip)(program, { level: 4 }));
  bytes.set(path, known);
  return known;
}

/** How the ship's node is to be. */
export type ShipNodeWish = {
  /** The captain's address in the tailnet, and the helm's port there. */
  captain: Pick<DoorConfig, "captain" | "port">;
  loginServer: string | undefined;
  /** Of the programs and the way to the helm. When it changes, both services are restarted. */
  digest: string;
};

/**
 * Makes tailscaled and the way to the helm services of the ship, which come back after a crash and after a cold start.
 */
export async function putServices(sprites: SpritesClient, sprite: string, facts: NodeFacts, wish: ShipNodeWish): Promise<void> {
  const folder = `${facts.home}/${FOLDER}`;
  const door: DoorConfig = { ...wish.captain, socksPort: facts.tun ? null : SOCKS_PORT };
  const config = { path: `${FOLDER}/door.json`, content: JSON.stringify(door), mode: 0o600 };
  const result = await sprites.exec(sprite, provisionArgv(), {
    stdin: provisionStdin({ files: [config], mkdirs: [`${FOLDER}/state`, `${FOLDER}/log`] }),
  });
  if (result.exitCode !== 0) throw failed(sprite, "cannot be told how to reach the captain", result.stderr);
  const env = { HOME: facts.home, PATH: facts.path, OCAPTAIN_DIGEST: wish.digest };
  const tailscaled: ServiceSpec = {
    cmd: `${folder}/tailscaled`,
    args: [
      `--statedir=${folder}/state`,
      `--socket=${folder}/tailscaled.sock`,
      "--port=0",
      ...(facts.tun ? [] : ["--tun=userspace-networking", `--socks5-server=127.0.0.1:${SOCKS_PORT}`]),
    ],
    env: { ...env, ...tailscaledEnvironment(wish.loginServer, `${folder}/log`) },
  };
  const carrier: ServiceSpec = {
    cmd: facts.node,
    args: [`${facts.home}/voyage/crew/tailnet/door.js`, `${folder}/door.json`],
    env,
    needs: [TAILSCALED],
  };
  await sprites.putService(sprite, TAILSCALED, tailscaled);
  await sprites.putService(sprite, DOOR, carrier);
}

const ShipStatus = z.object({
  BackendState,
  // A node that is logged in nowhere says that its id is "".
  Self: z.object({ ID: NodeId.or(z.literal("")) }).nullish(),
});

/**
 * The id of the node that a ship takes itself for, though the control plane may have removed it; null when it is logged
 * in nowhere.
 */
export async function shipNodeId(sprites: SpritesClient, sprite: string): Promise<string | null> {
  const result = await sprites.exec(sprite, shipScript(SHIP_STATUS));
  if (result.exitCode !== 0) throw failed(sprite, "has no tailscaled that answers", result.stderr);
  const { BackendState: state, Self } = shipFacts(sprite, ShipStatus, result.stdout);
  return state === "Running" ? Self?.ID || null : null;
}

const CALL = `cd "$HOME/${FOLDER}" || exit 1; call() { ./tailscale --socket=tailscaled.sock "$@"; }`;
/**
 * Shell script that prints the status of a ship's tailscaled, once it has started: one that has a login says "NoState",
 * then "Starting", for a moment. Exit status 1 of `tailscale status` can mean that it is not logged in. The script also
 * removes a key that a ship died with.
 */
const SHIP_STATUS = `${CALL}; rm -f key
end=$(($(date +%s) + ${ANSWER_SECONDS}))
while [ "$(date +%s)" -lt $end ]; do
  said=$(timeout 5 ./tailscale --socket=tailscaled.sock status --json --peers=false 2>status.err)
  case $said in *'"BackendState": "NoState"'* | *'"BackendState": "Starting"'*) ;; "{"*) printf %s "$said"; exit 0 ;; esac
  sleep 0.1
done
cat status.err >&2; echo "$said" | grep BackendState >&2; exit 1`;

/**
 * Joins a ship, whose tailscaled is in no tailnet, as a new node. The key comes by a file, which is gone from the ship
 * when this returns or throws; when the ship dies meanwhile, the next run removes it.
 * @throws OcaptainError JOIN with tailscale's own words
 */
export async function joinShip(
  sprites: SpritesClient,
  sprite: string,
  { key, loginServer }: { key: string; loginServer: string | undefined },
): Promise<void> {
  const up = [
    "up",
    "--reset",
    "--ssh",
    `--hostname=${sprite}`,
    "--accept-dns=false",
    // A sprite needs no firewall rules for it, and not every one has the programs.
    "--netfilter-mode=off",
    `--auth-key=file:key`,
    `--timeout=${JOIN_SECONDS}s`,
    ...(loginServer ? [`--login-server=${loginServer}`] : []),
  ];
  const script = `${CALL}; trap 'rm -f key' EXIT; call "$@" >&2`;
  const result = await sprites.exec(sprite, provisionArgv(), {
    stdin: provisionStdin({
      files: [
        { path: `${FOLDER}/key`, content: key, mode: 0o600 },
        { path: `${FOLDER}/${LOGIN_SERVER}`, content: loginServer ?? "", mode: 0o600 },
      ],
      run: shipScript(script, ...up),
    }),
  });
  if (result.exitCode !== 0) throw failed(sprite, "could not join the tailnet", tailscaleWords(result.stderr) || result.stderr);
}

/** The line of stderr that is tailscale's own; "" when there is none. */
const tailscaleWords = (text: string) => /^(backend error|error|failed|timeout|invalid)[^\n]*/im.exec(text)?.[0] ?? "";

/** Starts a ship's tailscaled anew, with its state. */
export async function restartTailscaled(sprites: SpritesClient, sprite: string): Promise<void> {
  await sprites.stopService(sprite, TAILSCALED);
  await sprites.startService(sprite, TAILSCALED);
}

/**
 * Makes a ship's tailscaled one that was never in a tailnet: its next node has new keys, and a process that has told
 * nothing before. Logging it out is not enough (docs/adr/ships-over-a-tailnet.md). Its ssh host keys stay.
 */
export async function forgetNode(sprites: SpritesClient, sprite: string): Promise<void> {
  await sprites.stopService(sprite, TAILSCALED);
  const result = await sprites.exec(sprite, shipScript(`rm -f "$HOME/${FOLDER}/${STATE}"`));
  if (result.exitCode !== 0) throw failed(sprite, "keeps who it was in the tailnet", result.stderr);
  await sprites.startService(sprite, TAILSCALED);
  await shipNodeId(sprites, sprite); // it answers when this does
}

/** Logs a ship out and ends its services. Quiet when there are none. */
export async function leaveTailnet(sprites: SpritesClient, sprite: string): Promise<void> {
  const script = `${CALL}; rm -f key; [ ! -S tailscaled.sock ] || call logout`;
  // The logout may fail: the control plane may not answer, or may have removed the node already.
  await sprites.exec(sprite, shipScript('timeout 20 /bin/sh -c "$1" || true', script));
  for (const service of [DOOR, TAILSCALED]) await sprites.deleteService(sprite, service);
  await sprites.exec(sprite, shipScript(`rm -rf "$HOME/${FOLDER}"`));
}

const failed = (sprite: string, what: string, words: string) =>
  new OcaptainError("JOIN", `${sprite} ${what}: ${said(words) || "it said nothing"}`, { hint: "pulumi up" });
