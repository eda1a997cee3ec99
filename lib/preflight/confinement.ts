import { runProgram } from "../base/run-program.ts";

const PROBE_MS = 10_000;

/**
 * The arguments of what a ship's confinement (harbor/vm/confinement.ts) asks of this machine, around a program that
 * ends at once.
 */
const PROBE = [
  ...["--user", "--map-root-user", "--", "bwrap"],
  ...["--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-pid", "--unshare-ipc", "--unshare-uts"],
  ...["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "true"],
];

/** Tries a confinement, and tells why no ship can be confined here; null when one can. */
export async function confinementProblem(): Promise<string | null> {
  // A ship gets nothing of the caller's environment, which holds secrets when `pulumi` asks.
  const result = await runProgram("unshare", PROBE, { env: { PATH: process.env.PATH ?? "" }, timeoutMs: PROBE_MS });
  return result.ok ? null : result.stderr.trim() || result.why;
}
