/**
 * Has this process and all that it starts reach the helm, the ship itself and the tailnet directly, whatever proxy the
 * ship's environment names for the world outside.
 */
export function reachDirectly(helmUrl: string): void {
  const said = `${process.env.no_proxy ?? ""},${process.env.NO_PROXY ?? ""}`.split(/[\s,]+/).filter(Boolean);
  if (said.includes("*")) return;
  const direct = [new URL(helmUrl).hostname, "localhost", "127.0.0.1", "127.0.0.0/8", "::1", "[::1]", "100.64.0.0/10"];
  const all = [...new Set([...said, ...direct, "fd7a:115c:a1e0::/48"])].join(",");
  process.env.no_proxy = all;
  process.env.NO_PROXY = all;
}
