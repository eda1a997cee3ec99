import process from "node:process";

const PROXIES = ["http_proxy", "https_proxy", "all_proxy", "grpc_proxy"];

/**
 * The variables by which Pulumi's own processes reach each other over loopback where a proxy is set. The program's gRPC
 * connects before any line of the program runs; lib/base/no-proxy.ts takes care of all later connections.
 * @returns {Record<string, string>}
 */
export function reachLoopback(base = process.env) {
  if (!PROXIES.some((name) => base[name] || base[name.toUpperCase()])) return {};
  const said = [base.no_proxy, base.NO_PROXY].flatMap((list) => (list ?? "").split(/[\s,]+/)).filter(Boolean);
  if (said.includes("*")) return {};
  const all = [...new Set([...said, "localhost", "127.0.0.1"])].join(",");
  return { no_proxy: all, NO_PROXY: all };
}
