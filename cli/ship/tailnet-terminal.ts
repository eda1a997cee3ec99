import { spawn } from "node:child_process";
import { OcaptainError } from "../../lib/base/errors.ts";
import { shellWord } from "../../lib/base/shell-word.ts";
import { openSprites } from "../../lib/sprites/client.ts";
import { holdAwake } from "../../lib/sprites/keep-awake.ts";
import type { ProviderSettings } from "../../lib/sprites/types.ts";
import { sshConfigFile } from "../../lib/tailnet/node/ssh.ts";

/** How long a hold lasts. Tailnet traffic keeps no ship awake, so the captain does, while the terminal is open. */
const HOLD_SECONDS = 120;
const REFRESH_MS = 50_000;
/** ssh's own exit status for a connection that failed. */
const SSH_FAILED = 255;

/**
 * Runs argv on a ship of a voyage with a tailnet, in this terminal, by ssh. The provider wakes `sprite` first, since
 * nothing of the tailnet does. Returns the exit status of what ran there.
 * @throws OcaptainError SSH when the ship is not reached, SSH_MISSING
 */
export async function terminalOverTailnet(
  provider: ProviderSettings,
  of: { voyageId: string; sprite: string; argv: readonly string[]; signal: AbortSignal; connecting: () => void },
): Promise<number> {
  const sprites = await openSprites(provider);
  await holdAwake(sprites, of.sprite, HOLD_SECONDS);
  const refresh = setInterval(() => holdAwake(sprites, of.sprite, HOLD_SECONDS).catch(() => {}), REFRESH_MS);
  of.connecting();
  try {
    const status = await run(["-F", sshConfigFile(of.voyageId), "-t", of.sprite, of.argv.map(shellWord).join(" ")], of.signal);
    if (status !== SSH_FAILED) return status;
    throw new OcaptainError("SSH", `${of.sprite} was not reached over the tailnet, or the connection ended`, {
      hint: "ocaptain doctor",
    });
  } finally {
    clearInterval(refresh);
  }
}

/** Runs ssh, which has this terminal to itself, with its size and its Ctrl-C. Resolves to the exit status. */
function run(args: readonly string[], signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const ssh = spawn("ssh", args, { stdio: "inherit" });
    const end = () => ssh.kill("SIGTERM");
    signal.addEventListener("abort", end, { once: true });
    ssh.once("error", (cause) =>
      reject(
        new OcaptainError("SSH_MISSING", "ssh, which reaches ships over the tailnet, could not be run", {
          hint: "install the client of OpenSSH",
          cause,
        }),
      ),
    );
    ssh.once("close", (code) => {
      signal.removeEventListener("abort", end);
      resolve(code ?? 130);
    });
  });
}
