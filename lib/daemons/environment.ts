import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { keepInside } from "../base/no-proxy.ts";
import { ocaptainHome } from "../base/paths.ts";

/** What of ours our daemons read: by name. By the prefix alone a secret would go along (OCAPTAIN_TAILSCALE_OAUTH_SECRET did). */
const OURS = /^OCAPTAIN_(HOME|VOYAGES|HELM_PORT|HARBOR_[A-Z_]+)$/;
const EVERY = ["PATH", "HOME", "LANG"];
/** For daemons that speak with what is outside. */
export const OUTSIDE = [
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_USE_ENV_PROXY",
  ...["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap((name) => [name, name.toUpperCase()]),
];

/** Where every daemon of ours works: a shell's own folder may be gone tomorrow, and would be kept from being unmounted. */
export const DAEMON_CWD = "/";

/** The temporary folder of our daemons. That of the shell that starts one goes with it (nix-shell's, a session's). Made when it is missing. */
export function daemonTmp(): string {
  const folder = join(ocaptainHome(), "tmp");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The whole environment of a daemon that is started here (design 15); `more`: names that this one needs besides. */
export function daemonEnvironment(more: readonly string[] = []): Record<string, string> {
  keepInside();
  const names = new Set([...EVERY, ...more]);
  const known = Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return { ...Object.fromEntries(known.filter(([name]) => names.has(name) || OURS.test(name))), TMPDIR: daemonTmp() };
}
