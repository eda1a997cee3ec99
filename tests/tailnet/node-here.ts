import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { tailscaledEnvironment } from "../../dynamic-providers/shared/tailscaled-environment.ts";
import { tailscaleCli } from "../../lib/tailnet/node/tailscale-cli.ts";
import { until } from "../support/until.ts";
import { goParts } from "./go-parts.ts";

const START_MS = 20_000;

/**
 * Starts a real tailscaled in the test's own network namespace: a captain's own one (`tun`: with a kernel interface),
 * or somebody else's. `close` ends it; its node stays.
 */
export async function startNode({ tun = false }: { tun?: boolean } = {}) {
  const { folder: parts } = await goParts();
  const folder = await mkdtemp(join(tmpdir(), "on-"));
  const socket = join(folder, "s");
  const args = [`--tun=${tun ? "tailscale9" : "userspace-networking"}`, "--port=0", `--statedir=${folder}`, `--socket=${socket}`];
  const daemon = spawn(join(parts, "tailscaled"), args, {
    stdio: "ignore",
    env: { PATH: process.env.PATH, ...tailscaledEnvironment("http://", folder) },
  });
  const cli = tailscaleCli(socket, join(parts, "tailscale"));
  const answers = async () => {
    if (daemon.exitCode !== null) throw new Error(`tailscaled ended with exit status ${daemon.exitCode}`);
    return cli.status();
  };
  await until("an answer of tailscaled", answers, START_MS, { everyMs: 30 });
  return {
    socket,
    cli,
    async up(loginServer: string, hostname: string, key: string): Promise<void> {
      const file = join(folder, "key");
      await writeFile(file, key, { mode: 0o600 });
      const how = ["--accept-dns=false", "--netfilter-mode=off", "--timeout=20s", `--login-server=${loginServer}`];
      await execa(
        join(parts, "tailscale"),
        [`--socket=${socket}`, "up", ...how, `--hostname=${hostname}`, `--auth-key=file:${file}`],
        {
          timeout: 30_000,
          stdin: "ignore",
        },
      );
    },
    async close(): Promise<void> {
      if (daemon.exitCode === null) {
        const ended = once(daemon, "exit");
        daemon.kill("SIGTERM");
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
