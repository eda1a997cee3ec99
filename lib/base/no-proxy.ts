import { BlockList, isIP } from "node:net";

const LOOPBACK = ["localhost", "127.0.0.1", "127.0.0.0/8", "::1", "[::1]"];
/** The addresses of a tailnet: Tailscale's range of IPv4 and its prefix of IPv6. */
const TAILNET = ["100.64.0.0/10", "fd7a:115c:a1e0::/48"];

const inside = new BlockList();
inside.addSubnet("127.0.0.0", 8, "ipv4");
inside.addAddress("::1", "ipv6");
inside.addSubnet("100.64.0.0", 10, "ipv4");
inside.addSubnet("fd7a:115c:a1e0::", 48, "ipv6");

/**
 * Keeps calls to this machine and to the tailnet away from any proxy that the environment names: it adds them to
 * `no_proxy`, for this process and for those that it starts. Proxies for everything else stay. Node's `fetch` and gRPC
 * read `no_proxy` anew for each connection.
 *
 * @param url  An address that is about to be called. When it is inside, its host is added by name, because `fetch` does
 *   not understand ranges of addresses, as curl, git and Go programs do.
 */
export function keepInside(url?: string): void {
  const host = url && new URL(url).hostname;
  const more = host && isInside(host) ? [host] : [];
  const said = `${process.env.no_proxy ?? ""},${process.env.NO_PROXY ?? ""}`.split(/[\s,]+/).filter(Boolean);
  // With a star nothing goes to a proxy anyway, and curl would not understand a star with more beside it.
  if (said.includes("*")) return;
  const all = [...new Set([...said, ...LOOPBACK, ...TAILNET, ...more])].join(",");
  if (process.env.no_proxy !== all) process.env.no_proxy = all;
  if (process.env.NO_PROXY !== all) process.env.NO_PROXY = all;
}

/** Tells whether a host is this machine, or has an address of a tailnet. */
export function isInside(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const version = isIP(host);
  return version === 0 ? /^(.*\.)?localhost\.?$/i.test(host) : inside.check(host, version === 4 ? "ipv4" : "ipv6");
}
