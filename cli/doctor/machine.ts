import { existsSync } from "node:fs";
import { join } from "node:path";
import { nearest } from "../../lib/base/nearest.ts";
import { ocaptainHome, voyagesRoot } from "../../lib/base/paths.ts";
import { loadCommand } from "../../lib/base/set-up-command.ts";
import { findAll } from "../../lib/preflight/check.ts";
import { helmPortCheck } from "../../lib/preflight/helm-port.ts";
import { socketPathCheck, spaceCheck } from "../../lib/preflight/machine.ts";
import { confinementCheck, nodeCheck, readTool, tools } from "../../lib/preflight/tools.ts";
import { environment } from "../../tools/environment.mjs";
import { setup } from "../../tools/setup.mjs";
import { type Finding, type Fix, found } from "./finding.ts";

/**
 * Looks at programs and their versions, disk space and ports as preflight does before a voyage, and at the Pulumi that
 * starts it.
 */
export async function lookAtMachine(shell: Record<string, string | undefined>): Promise<Finding[]> {
  const looks = await Promise.all(
    Object.values(tools).map(async (tool) => {
      const { version, findings } = await readTool(tool);
      // Pulumi alone is also typed by hand.
      const inShell = tool === tools.pulumi && findings.length === 0 ? await readTool(tool, shell.PATH) : undefined;
      if (inShell?.findings[0])
        return found("tools", tool.name, "note", `${version}; in this shell it ${inShell.findings[0].message}`, loadCommand());
      if (findings.length === 0) return found("tools", tool.name, "ok", version ?? "");
      return found("tools", tool.name, "wrong", findings[0]!.message, findings[0]!.hint, bringTool(tool.name));
    }),
  );
  const problems = await findAll([nodeCheck(), confinementCheck(), spaceCheck(), socketPathCheck(), helmPortCheck()]);
  const wrong = problems.map(({ what, message, hint }) => found("tools", what, "wrong", message, hint));
  const node = problems.some(({ what }) => what === "node") ? [] : [found("tools", "node", "ok", process.versions.node)];
  return [...node, ...looks, ...wrong];
}

/** Set-up of the part that brings a program, to the end of this run of `ocaptain` too. */
function bringTool(name: string): Fix {
  const part = name === "pulumi" || name === "mutagen" ? name : "system";
  return {
    did: `set-up has brought ${part === "system" ? "the system's packages" : name}`,
    run: async () => {
      await setup({ names: [part], table: false });
      Object.assign(process.env, environment());
    },
  };
}

const OURS = [
  "OCAPTAIN_HOME",
  "OCAPTAIN_TOOLS",
  "OCAPTAIN_VOYAGES",
  "OCAPTAIN_HELM_PORT",
  "OCAPTAIN_DEFAULT_SHIPS",
  "OCAPTAIN_HARBOR_LATENCY",
  "OCAPTAIN_HARBOR_NET",
  "OCAPTAIN_TAILSCALE_SOCKET",
];
const OTHERS = ["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE", "SPRITES_API_URL", "HEADSCALE_URL"];
const TAILNET_SECRETS = ["OCAPTAIN_TAILSCALE_OAUTH_SECRET", "TAILSCALE_OAUTH_CLIENT_SECRET", "HEADSCALE_API_KEY"];
/** Variables of which doctor tells only whether they are set. */
const SECRETS = [
  "PULUMI_CONFIG_PASSPHRASE",
  "PULUMI_ACCESS_TOKEN",
  "SPRITE_TOKEN",
  "GH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN",
  ...TAILNET_SECRETS,
];

/**
 * Looks for a proxy that keeps Pulumi from itself, in the shell in which `pulumi` is typed. Pulumi's program loader
 * connects to the engine before any line of ours runs, and knows `no_proxy` in lower case alone. `ocaptain` sets it for
 * what it starts itself.
 */
export function lookAtProxies(shell: Record<string, string | undefined>): Finding[] {
  const proxy = ["grpc_proxy", "https_proxy", "http_proxy"].find((name) => shell[name]);
  if (!proxy || /(^|[\s,])(\*|127\.0\.0\.1|127\.0\.0\.0\/8)($|[\s,])/.test(shell.no_proxy ?? "")) return [];
  const message = `names a proxy, and no_proxy does not except this machine: Pulumi does not reach its own program`;
  return [found("settings", proxy, "wrong", message, "export no_proxy=localhost,127.0.0.1")];
}

const PREFIX = "OCAPTAIN_";
/** All variables of ours that a person may set; others of the prefix are for our own processes. */
const KNOWN = [
  ...OURS,
  ...TAILNET_SECRETS,
  ...["OCAPTAIN_DEMO", "OCAPTAIN_MIN_FREE_MIB", "OCAPTAIN_SPRITES_ORG", "OCAPTAIN_HARBOR_TOOLS"],
  ...["OCAPTAIN_HARBOR_IDLE_MS", "OCAPTAIN_HARBOR_COLD_MS", "OCAPTAIN_HARBOR_HOME"],
];

/** Finds variables that are nearly ours: such a slip would be ignored without a word. */
function misspelt(): Finding[] {
  const ours = KNOWN.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
  return Object.keys(process.env).flatMap((name) => {
    const meant = name.startsWith(PREFIX) && !KNOWN.includes(name) ? nearest(name.slice(PREFIX.length), ours) : undefined;
    return meant ? [found("settings", name, "wrong", `is read by nobody; did you mean ${PREFIX}${meant}?`, `unset ${name}`)] : [];
  });
}

/** Tells where things are, and which variables are set; never the value of a secret one. */
export function lookAtSettings(project: string): Finding[] {
  const note = (what: string, message: string) => found("settings", what, "note", message);
  return [
    note("home", ocaptainHome()),
    note("voyages", voyagesRoot()),
    ...(existsSync(join(project, ".env")) ? [note(".env", join(project, ".env"))] : []),
    ...[...OURS, ...OTHERS].filter((name) => process.env[name]).map((name) => note(name, String(process.env[name]))),
    ...SECRETS.filter((name) => process.env[name]).map((name) => note(name, "is set")),
    ...misspelt(),
  ];
}
