import { BlockList, isIP } from "node:net";

/** Loopback, and what tailnets have: Tailscale's range of IPv4 addresses and its prefix of IPv6. */
const LOOPBACK = ["localhost", "127.0.0.1", "127.0.0.0/8", "::1", "[::1]"];
const TAILNET = ["100.64.0.0/10", "fd7a:115c:a1e0::/48"];

const inside = new BlockList();
inside.addSubnet("127.0.0.0", 8, "ipv4");
inside.addAddress("::1", "ipv6");
inside.addSubnet("100.64.0.0", 10, "ipv4");
inside.addSubnet("fd7a:115c:a1e0::", 48, "ipv6");

/**
 * What goes to this machine or to the tailnet goes to no proxy, whatever the environment names: its `no_proxy` says so from now on, for this process and for
 * those that it starts. Proxies for everything else stay. Node's `fetch` and gRPC look at it anew for each connection; curl, git and Go programs know the
 * ranges, and `fetch` does not, for which `url` is named besides where it is inside.
 */
export function keepInside(url?: string): void {
  const host = url && new URL(url).hostname;
  const more = host && isInside(host) ? [host] : [];
  const said = `${process.env.no_proxy ?? ""},${process.env.NO_PROXY ?? ""}`.split(/[\s,]+/).filter(Boolean);
  // Nothing at all goes to a proxy; a list that has more than the star would mean something else to curl.
  if (said.includes("*")) return;
  const all = [...new Set([...said, ...LOOPBACK, ...TAILNET, ...more])].join(",");
  if (process.env.no_proxy !== all) process.env.no_proxy = all;
  if (process.env.NO_PROXY !== all) process.env.NO_PROXY = all;
}

/** Is it this machine, or in a tailnet? */
export function isInside(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const version = isIP(host);
  return version === 0 ? /^(.*\.)?localhost\.?$/i.test(host) : inside.check(host, version === 4 ? "ipv4" : "ipv6");
}
