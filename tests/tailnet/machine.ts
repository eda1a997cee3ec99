import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { until } from "../support/until.ts";
import { goParts } from "./go-parts.ts";
import type { Headscale } from "./headscale.ts";

const JOIN_MS = 30_000;

/**
 * A script that makes what a machine needs in its namespace: loopback, and an interface that is up with an address that
 * is not loopback's, without which tailscaled takes itself to be off line. Nothing leads out of it but the forwarded
 * port.
 */
const SCRIPT = `
ip link set lo up
ip link add v0 type veth peer name v1
ip address add 10.99.0.1/24 dev v0
ip link set v0 up
ip link set v1 up
"$NODE" "$FORWARD" "$PORT" "$FOLDER/out.sock" "$STUN_PORT" &
exec "$PARTS/tailscaled" --tun=userspace-networking --port=0 --statedir="$FOLDER" --socket="$FOLDER/ts.sock"
`;

/**
 * Joins a machine with a real tailscaled in a network namespace of its own to a headscale that listens on this
 * machine's loopback. `key` goes by a file. It rejects with the words of tailscale when the machine is not let in.
 */
export async function joinMachine(headscale: Headscale, { hostname, key }: { hostname: string; key: string }) {
  const { folder: parts } = await goParts();
  const folder = await mkdtemp(join(tmpdir(), "om-"));
  const port = new URL(headscale.url).port;
  const door = createServer((inside) => {
    const outside = connect(Number(port), "127.0.0.1");
    inside.pipe(outside).pipe(inside);
    for (const [one, other] of [
      [inside, outside],
      [outside, inside],
    ] as const)
      one.on("error", () => {}).on("close", () => other.destroy());
  }).listen(join(folder, "out.sock"));
  await once(door, "listening");
  const machine = spawn("unshare", ["--map-root-user", "--net", "sh", "-euc", SCRIPT], {
    // It has a process group of its own, so that the forwarder ends with it.
    detached: true,
    stdio: "ignore",
    env: {
      PATH: process.env.PATH,
      NODE: process.execPath,
      FORWARD: join(import.meta.dirname, "forward.mjs"),
      PORT: port,
      STUN_PORT: String(headscale.stunPort),
      FOLDER: folder,
      PARTS: parts,
      TS_DEBUG_USE_DERP_HTTP: "1",
      TS_NO_LOGS_NO_SUPPORT: "true",
      TS_LOGS_DIR: folder,
      TS_DISABLE_PORTMAPPER: "1",
    },
  });
  // The input stays open: `tailscale nc` ends with whichever side ends first, and would seldom wait for an answer.
  const tailscale = (...args: string[]) =>
    execa(join(parts, "tailscale"), [`--socket=${join(folder, "ts.sock")}`, ...args], { timeout: JOIN_MS, stdin: "pipe" });
  const close = async () => {
    if (machine.pid && machine.exitCode === null) {
      const ended = once(machine, "exit");
      process.kill(-machine.pid, "SIGKILL");
      await ended;
    }
    door.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  };
  try {
    await writeFile(join(folder, "key"), key, { mode: 0o600 });
    const answers = async () => {
      if (machine.exitCode !== null) throw new Error(`tailscaled ended with exit status ${machine.exitCode}`);
      // The exit status is 1 with a daemon that is not logged in, too; all that matters is that it answers.
      const status = await tailscale("status", "--json").catch((error: { stdout?: string }) => error);
      return String(status.stdout ?? "").startsWith("{");
    };
    await until("an answer of tailscaled", answers, JOIN_MS, { everyMs: 30 });
    const login = [`--login-server=${headscale.url}`, `--auth-key=file:${join(folder, "key")}`, `--hostname=${hostname}`];
    await tailscale("up", "--accept-dns=false", "--timeout=20s", ...login);
    /** The `pid` is that of its tailscaled, by which its namespace is entered. */
    return { tailscale, close, pid: machine.pid };
  } catch (error) {
    await close();
    throw error;
  }
}
