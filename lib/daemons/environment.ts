import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { keepInside } from "../base/no-proxy.ts";
import { ocaptainHome } from "../base/paths.ts";

/**
 * Variables of ours that our own daemons read. They are named one by one, since a prefix alone would take secrets
 * along: OCAPTAIN_TAILSCALE_OAUTH_SECRET.
 */
const OURS = /^OCAPTAIN_(HOME|VOYAGES|HELM_PORT|TELEMETRY_MIB|HARBOR_[A-Z_]+)$/;
const EVERY = ["PATH", "HOME", "LANG"];
/** Variables by which a program finds its way out of this machine: certificates and proxies. */
const OUTSIDE = [
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_USE_ENV_PROXY",
  ...["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap((name) => [name, name.toUpperCase()]),
];

/** Where Node keeps what it compiled: without it a daemon of ours would take twice the processor time to start. */
const COMPILED = "NODE_COMPILE_CACHE";

/**
 * The variables that each program takes over from the process that starts it. Everything else stays behind, as it may
 * be a secret.
 */
const INHERITED = {
  harbor: [...EVERY, COMPILED],
  /** The helm calls the provider, and git with ssh; a command of the captain's notices may speak to their desktop. */
  helm: [...EVERY, COMPILED, "LC_ALL", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", ...OUTSIDE],
  tailscaled: [...EVERY, ...OUTSIDE],
  mutagen: [...EVERY, "USER", "LOGNAME", "LC_ALL", "TZ"],
  git: ["PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", ...OUTSIDE],
  /** A git that is asked who the person is, and so reads their configuration. */
  "git of the person": [
    ...EVERY,
    "XDG_CONFIG_HOME",
    ...["GLOBAL", "SYSTEM", "NOSYSTEM"].map((name) => `GIT_CONFIG_${name}`),
    ...["NAME", "EMAIL"].map((name) => `GIT_AUTHOR_${name}`),
  ],
};

/** What the named program takes over of this process's environment. */
export function inherited(program: keyof typeof INHERITED): Record<string, string> {
  return Object.fromEntries(INHERITED[program].flatMap((name) => pairOf(name)));
}

/**
 * The whole environment of a daemon of ours: what it takes over, our own variables, and a temporary folder that stays.
 */
export function daemonEnvironment(program: "harbor" | "helm" | "tailscaled"): Record<string, string> {
  keepInside();
  const ours = Object.keys(process.env).filter((name) => OURS.test(name));
  return { ...inherited(program), ...Object.fromEntries(ours.flatMap(pairOf)), TMPDIR: daemonTmp() };
}

/**
 * Makes the temporary folder of our daemons, and returns it. The one of the shell that starts a daemon goes away with
 * that shell.
 */
export function daemonTmp(): string {
  const folder = join(ocaptainHome(), "tmp");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

function pairOf(name: string): [string, string][] {
  const value = process.env[name];
  return value === undefined ? [] : [[name, value]];
}
