import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { OcaptainError } from "../../lib/base/errors.ts";
import type { ShipLink } from "./vm.ts";

/**
 * The network of `--net isolated`, in which ships have networks of their own, as VMs do. Each has a network namespace,
 * and in it `eth0`, the end of a veth pair whose other end is a port of the harbor's bridge, in the namespace that the
 * harbor runs in. A ship reaches the captain's side by the bridge's address and nothing else: ports are isolated from
 * each other, and what ships send is not forwarded.
 *
 * Bridge and ports are named after the harbor: `oc` and 8 digits of its folder's hash, `-N` for the ship at the
 * subnet's address N. Namespaces have no name: they are gone with the ship's last process, and its veth pair with them,
 * also when the harbor is killed.
 */
export type ShipNet = {
  /** The bridge's address, at which ships reach the captain's side. */
  address: string;
  addressOf(host: number): string;
  linkOf(host: number): ShipLink;
  /** Removes the bridge and all ports. */
  close(): Promise<void>;
};

/** The private and seldom used range in which each harbor takes a /24. */
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
  // The bridge gets a hardware address of its own. Else it has the lowest of its ports', and when that ship goes, the
  // others send to nobody for half a minute.
  await ip([`link add ${bridge} address ${hardwareAddressOf(home)} type bridge`]);
  try {
    await ip([`address add ${address}/24 dev ${bridge}`, `link set ${bridge} up`]);
    set(`/proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`, "1");
    // On a machine that forwards, as one with containers does, a ship would reach the others and the internet through
    // it.
    set(`/proc/sys/net/ipv4/conf/${bridge}/forwarding`, "0");
  } catch (error) {
    await sweepShipNet(home);
    throw error;
  }
  return {
    address,
    addressOf: (host) => `${subnet}.${host}`,
    linkOf: (host) => openLink({ bridge, port: `${bridge}-${host}`, captain: address, own: `${subnet}.${host}` }),
    close: () => sweepShipNet(home),
  };
}

function openLink({ bridge, port, captain, own }: { bridge: string; port: string; captain: string; own: string }): ShipLink {
  const leave = () => ip([`link delete ${port}`]).catch(() => {});
  const inNetworkOf = (pid: number) => ["nsenter", "-t", String(pid), "--net"];
  return {
    async join(pid) {
      await leave(); // the kernel takes a dead namespace's links away a little later
      await ip([
        `link add ${port} type veth peer name eth0 netns ${pid}`,
        `link set ${port} master ${bridge}`,
        `link set ${port} type bridge_slave isolated on`,
        `link set ${port} up`,
      ]);
      const inside = ["link set lo up", `address add ${own}/24 dev eth0`, "link set eth0 up", `route add default via ${captain}`];
      await ip(inside, inNetworkOf(pid));
    },
    async pause(pid) {
      await ip([`link set ${port} down`]);
      const [file = "", ...args] = [...inNetworkOf(pid), "ss", "--kill", "--tcp", "src", own];
      await execa(file, args, { timeout: IP_TIMEOUT_MS, stdin: "ignore" });
    },
    resume: () => ip([`link set ${port} up`]),
    leave,
  };
}

/** Removes what a harbor of this folder has made, and nothing of another's. Quiet when there is nothing. */
export async function sweepShipNet(home: string): Promise<void> {
  if (!existsSync(subnetFile(home))) return;
  const bridge = bridgeOf(home);
  const links = JSON.parse(await read(["-json", "link", "show"])) as { ifname: string }[];
  const own = links.filter(({ ifname }) => ifname === bridge || ifname.startsWith(`${bridge}-`));
  // One that goes with its namespace meanwhile is no failure.
  for (const { ifname } of own) await ip([`link delete ${ifname}`]).catch(() => {});
}

/** The lowest address number that no ship has. @throws OcaptainError NET_FULL when all are taken */
export function freeHost(taken: (number | undefined)[]): number {
  for (let host = FIRST_HOST; host <= LAST_HOST; host++) if (!taken.includes(host)) return host;
  throw new OcaptainError("NET_FULL", `a harbor has ${LAST_HOST - FIRST_HOST + 1} addresses for ships, and all are taken`, {
    hint: "ocaptain status  # a pulumi destroy of a voyage that is done with frees its ships' addresses",
  });
}

const bridgeOf = (home: string) => `oc${digest(home).slice(0, 8)}`;
/** A hardware address that no vendor gives out (bit 1 of the first octet, by IEEE 802) and that is of no group. */
const hardwareAddressOf = (home: string) => ["02", ...(digest(home).slice(10, 20).match(/../g) ?? [])].join(":");
const digest = (home: string) => createHash("sha256").update(home).digest("hex");
const subnetFile = (home: string) => join(home, "subnet");

/** The harbor's subnet. It is chosen once, because its ships keep what they know of the captain's address. */
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

/** Runs several `ip` commands in one process; none after one that fails. @throws OcaptainError NET_ISOLATED */
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
