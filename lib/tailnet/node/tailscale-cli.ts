import { existsSync } from "node:fs";
import { isIPv4 } from "node:net";
import { z } from "zod";
import { fitOrThrow } from "../../base/check-input.ts";
import { OcaptainError } from "../../base/errors.ts";
import { runProgram } from "../../base/run-program.ts";

const Node = z.object({
  /** The control plane's id of this node: what its API removes it by. */
  ID: z.string(),
  HostName: z.string(),
  TailscaleIPs: z
    .array(z.string())
    .nullish()
    .transform((ips) => ips ?? []),
  Tags: z.array(z.string()).optional(),
  Online: z.boolean().optional(),
  /** The code of its home relay; "" while none is known. */
  Relay: z.string().default(""),
  sshHostKeys: z
    .array(z.string())
    .nullish()
    .transform((keys) => keys ?? []),
});

/** What `tailscale status --json` says, as far as we need it. */
export const TailscaleStatus = z.object({
  BackendState: z.string(),
  /** Whether it has a kernel interface, not userspace networking. */
  TUN: z.boolean().default(false),
  Self: Node.nullish(),
  Peer: z
    .record(z.string(), Node)
    .nullish()
    .transform((peers) => Object.values(peers ?? {})),
});
export type TailscaleStatus = z.infer<typeof TailscaleStatus>;
export type TailscaleNode = z.infer<typeof Node>;

const LOOK_MS = 10_000;

export type Tailscale = ReturnType<typeof tailscaleCli>;

/**
 * The captain's `tailscale` command, talking to the tailscaled at `socket`; null: to the one that it finds by itself.
 */
export function tailscaleCli(socket: string | null, program = "tailscale") {
  const args = (rest: readonly string[]) => [...(socket === null ? [] : [`--socket=${socket}`]), ...rest];

  /** Runs `tailscale`; a failure is a result. @throws OcaptainError TAILSCALE_MISSING */
  async function run(rest: readonly string[], timeoutMs = LOOK_MS) {
    const result = await runProgram(program, args(rest), { timeoutMs });
    if (result.missing)
      throw new OcaptainError("TAILSCALE_MISSING", "tailscale is not on PATH", {
        hint: "install Tailscale: https://tailscale.com/download",
      });
    return { ok: result.ok, stdout: result.stdout.trim(), message: result.stderr.trim() || result.why };
  }

  return {
    argv: [program, ...args([])] as readonly string[],
    run,
    /** The status of the tailscaled; null when none answers. */
    async status(): Promise<TailscaleStatus | null> {
      // `tailscale` would look for the socket for 5 s.
      if (socket !== null && !existsSync(socket)) return null;
      const { stdout } = await run(["status", "--json"]);
      // The exit status is 1 also for a daemon that answers and is not logged in.
      if (!stdout.startsWith("{")) return null;
      return fitOrThrow(TailscaleStatus, JSON.parse(stdout), (why) => {
        const message = `tailscaled tells its status as no version does that is known here: ${why}`;
        return new OcaptainError("CAPTAIN_NODE", message, { hint: "ocaptain doctor" });
      });
    },
    /**
     * Whether an address answers one ping within `timeoutMs`; with `wireguard` the ping takes the tunnel that
     * connections take.
     */
    async ping(address: string, timeoutMs: number, { wireguard = false } = {}): Promise<boolean> {
      const how = ["--c=1", "--until-direct=false", `--timeout=${timeoutMs}ms`, ...(wireguard ? ["--tsmp"] : [])];
      // After the answer `tailscale ping` sleeps for a second, so it is ended here.
      const answered = new AbortController();
      await runProgram(program, args(["ping", ...how, address]), {
        timeoutMs: timeoutMs + 2_000,
        signal: answered.signal,
        onStdout: (said) => said.includes("pong from") && answered.abort(),
      });
      return answered.signal.aborted;
    },
  };
}

/** A node's IPv4 address in the tailnet. */
export const ipv4 = (node: { TailscaleIPs: string[] }): string | null => node.TailscaleIPs.find(isIPv4) ?? null;
