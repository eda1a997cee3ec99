import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { OcaptainError } from "../lib/errors.ts";

/**
 * `--net isolated`: ships with a network of their own, as VMs have one. Each has a network namespace, and in it `eth0`, the end of a veth pair
 * whose other end is a port of the harbor's bridge, in the namespace that the harbor runs in. A ship reaches the captain's side by the bridge's
 * address and nothing else: ports are isolated from each other, and what ships send is not forwarded.
 *
 * Bridge and ports are named after the harbor: `oc` and 8 digits of its folder's hash, `-N` for the ship at the subnet's address N.
 * Namespaces have no name: they are gone with the ship's last process, and its veth pair with them, also when the harbor is killed.
 */
export type ShipNet = {
  /** The captain's side: the bridge's address. */
  address: string;
  addressOf(host: number): string;
  /** Gives the network namespace of this process, which has only a loopback that is down, its address. */
  join(host: number, pid: number): Promise<void>;
  /** A pause: the link is down, and the ship's TCP connections are dead (facts: sprites §10). Peers are told nothing. */
  pause(host: number, pid: number): Promise<void>;
  resume(host: number): Promise<void>;
  /** Quiet when it is gone. */
  leave(host: number): Promise<void>;
  /** Takes the bridge and all ports away. */
  close(): Promise<void>;
};

/** A /24 in here a harbor: private, and seldom used. */
const SUBNETS = "10.213";
const FIRST_HOST = 2;
const LAST_HOST = 254;
const IP_TIMEOUT_MS = 10_000;

/**
 * Makes the harbor's bridge, after sweeping away what a harbor of this folder left that was killed.
 * @throws OcaptainError NET_ISOLATED without root, without `ip`, or without a free subnet
 */
export async function openShipNet(home: string): Promise<ShipNet> {
  const bridge = bridgeOf(home);
  await sweepShipNet(home);
  const subnet = await chooseSubnet(home);
  const address = `${subnet}.1`;
  const port = (host: number) => `${bridge}-${host}`;
  await ip([`link add ${bridge} type bridge`]);
  try {
    await ip([`address add ${address}/24 dev ${bridge}`, `link set ${bridge} up`]);
    set(`/proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`, "1");
    // On a captain's machine that forwards (one with containers does), a ship would reach the others and the internet through it.
    set(`/proc/sys/net/ipv4/conf/${bridge}/forwarding`, "0");
  } catch (error) {
    await sweepShipNet(home);
    throw error;
  }
  const leave = async (host: number) => void (await ip([`link delete ${port(host)}`]).catch(() => {}));
  return {
    address,
    addressOf: (host) => `${subnet}.${host}`,
    async join(host, pid) {
      await leave(host); // the kernel takes a dead namespace's links away a little later
      await ip([
        `link add ${port(host)} type veth peer name eth0 netns ${pid}`,
        `link set ${port(host)} master ${bridge}`,
        `link set ${port(host)} type bridge_slave isolated on`,
        `link set ${port(host)} up`,
      ]);
      const inside = ["link set lo up", `address add ${subnet}.${host}/24 dev eth0`, "link set eth0 up"];
      await ip([...inside, `route add default via ${address}`], ["nsenter", "-t", String(pid), "--net"]);
    },
    async pause(host, pid) {
      await ip([`link set ${port(host)} down`]);
      const kill = ["-t", String(pid), "--net", "ss", "--kill", "--tcp", "src", `${subnet}.${host}`];
      await execa("nsenter", kill, { timeout: IP_TIMEOUT_MS, stdin: "ignore" });
    },
    resume: (host) => ip([`link set ${port(host)} up`]),
    leave,
    close: () => sweepShipNet(home),
  };
}

/** Takes away what a harbor of this folder has made; of no other. Quiet when there is nothing. */
export async function sweepShipNet(home: string): Promise<void> {
  if (!existsSync(subnetFile(home))) return;
  const bridge = bridgeOf(home);
  const links = JSON.parse(await read(["-json", "link", "show"])) as { ifname: string }[];
  const own = links.filter(({ ifname }) => ifname === bridge || ifname.startsWith(`${bridge}-`));
  // One that goes with its namespace meanwhile is no failure.
  for (const { ifname } of own) await ip([`link delete ${ifname}`]).catch(() => {});
}

/** The lowest number that no ship has. @throws OcaptainError NET_FULL */
export function freeHost(taken: (number | undefined)[]): number {
  for (let host = FIRST_HOST; host <= LAST_HOST; host++) if (!taken.includes(host)) return host;
  throw new OcaptainError("NET_FULL", `a harbor has ${LAST_HOST - FIRST_HOST + 1} addresses for ships, and all are taken`);
}

const bridgeOf = (home: string) => `oc${digest(home).slice(0, 8)}`;
const digest = (home: string) => createHash("sha256").update(home).digest("hex");
const subnetFile = (home: string) => join(home, "subnet");

/** Chosen once a harbor, as its ships keep what they know of the captain's address. */
async function chooseSubnet(home: string): Promise<string> {
  const routes = await read(["-4", "route", "show", "table", "all"]);
  const taken = Array.from(routes.matchAll(/\d+\.\d+\.\d+(?=\.\d)/g), ([subnet]) => subnet);
  const known = existsSync(subnetFile(home)) ? readFileSync(subnetFile(home), "utf8") : undefined;
  const first = Number.parseInt(digest(home).slice(8, 10), 16);
  const all = Array.from({ length: 256 }, (_, index) => `${SUBNETS}.${(first + index) % 256}`);
  const found = (known ? [known] : all).find((subnet) => !taken.includes(subnet));
  if (!found)
    throw isolated(`this machine has routes to ${known ?? SUBNETS}.*, which its ships have`, {
      hint: "take that route away, or use another OCAPTAIN_HOME",
    });
  writeFileSync(subnetFile(home), found);
  return found;
}

/** Several commands at once; one that fails is the last. */
async function ip(commands: string[], prefix: string[] = []): Promise<void> {
  const [file = "", ...args] = [...prefix, "ip", "-batch", "-"];
  const done = await execa(file, args, { input: commands.join("\n"), reject: false, timeout: IP_TIMEOUT_MS });
  if (done.failed) throw isolated(`ip ${commands.join("; ")}: ${reason(done)}`);
}

async function read(args: string[]): Promise<string> {
  const done = await execa("ip", args, { reject: false, timeout: IP_TIMEOUT_MS, stdin: "ignore" });
  if (done.failed) throw isolated(`ip ${args.join(" ")}: ${reason(done)}`);
  return done.stdout;
}

const reason = (done: { stderr: string; shortMessage?: string }) =>
  done.stderr.trim().replaceAll("\n", "; ") || (done.shortMessage ?? "no answer");

const isolated = (what: string, options = { hint: HINT }) =>
  new OcaptainError("NET_ISOLATED", `ships cannot have networks of their own: ${what}`, options);

const HINT =
  "run the harbor as root, with iproute2 installed (apt-get install iproute2); or let ships share the captain's network: unset OCAPTAIN_HARBOR_NET (npm run harbor, without --net isolated)";

function set(file: string, value: string): void {
  if (existsSync(file)) writeFileSync(file, value);
}
