import { execa } from "execa";

const PROBE_MS = 10_000;

/** What a ship's confinement asks of this machine (harbor/vm/confinement.ts), around a program that ends at once. */
const PROBE = [
  ...["--user", "--map-root-user", "--", "bwrap"],
  ...["--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid", "--unshare-ipc", "--unshare-uts"],
  ...["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "true"],
];

/** Why no ship can be confined here, found by trying it; null when one can. */
export async function confinementProblem(): Promise<string | null> {
  // As the ship: with nothing of the caller's environment, which holds secrets where `pulumi` asks.
  const bare = { extendEnv: false, env: { PATH: process.env.PATH ?? "" } };
  const result = await execa("unshare", PROBE, { ...bare, reject: false, stdin: "ignore", timeout: PROBE_MS });
  return result.failed ? result.stderr?.trim() || result.shortMessage || "no answer from bwrap" : null;
}
