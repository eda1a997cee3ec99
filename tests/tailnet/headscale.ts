import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { freePort } from "../../lib/base/free-port.ts";
import { until } from "../support/until.ts";
import { goParts } from "./go-parts.ts";

const READY_MS = 20_000;
const STOP_MS = 10_000;

/**
 * A policy by which all may talk to ships on any port, and ships to nobody; a test that is about the policy brings its
 * own.
 */
const POLICY = {
  tagOwners: { "tag:ocaptain-ship": [], "tag:other": [] },
  acls: [{ action: "accept", src: ["*"], dst: ["*:*"] }],
};

export type Headscale = Awaited<ReturnType<typeof startHeadscale>>;

/**
 * Starts a real headscale, with a folder of its own. `host` is where it listens: loopback, or an address of a network
 * namespace that the test made, which `within` then enters (`["nsenter", …]`). `stop` and `start` keep its database;
 * `close` removes it.
 */
export async function startHeadscale({
  host = "127.0.0.1",
  port,
  policy = POLICY,
  within = [],
}: {
  host?: string;
  port?: number;
  policy?: object;
  within?: string[];
} = {}) {
  const { headscale } = await goParts();
  const folder = await mkdtemp(join(tmpdir(), "oh-"));
  const at = port ?? (await freePort());
  const stunPort = await freePort();
  const url = `http://${host}:${at}`;
  const config = join(folder, "config.json"); // The file is JSON, because YAML holds JSON.
  await mkdir(join(folder, "cache"));
  await writeFile(join(folder, "policy.json"), JSON.stringify(policy));
  await writeFile(config, JSON.stringify(configuration(folder, host, at, await freePort(), stunPort), null, 2));
  const log = join(folder, "log");
  const command = [...within, headscale, "--config", config];
  let child: ChildProcess | undefined;

  const run = async (...args: string[]) => {
    const [program = "", ...rest] = [...command, ...args];
    return (await execa(program, rest, { timeout: 20_000, stdin: "ignore" })).stdout;
  };
  const said = async () => (await readFile(log, "utf8")).split("\n").slice(-15).join("\n");

  /**
   * Says whether it answers. From outside of its namespace only its socket can be reached, at the cost of a program's
   * start.
   */
  const answers = () =>
    (within.length > 0 ? run("health") : fetch(`${url}/health`, { signal: AbortSignal.timeout(1000) })).then(
      () => true,
      () => false,
    );

  const start = async () => {
    const [program = "", ...rest] = [...command, "serve"];
    const out = openSync(log, "a");
    child = spawn(program, rest, {
      stdio: ["ignore", out, out],
      // It gets nothing of what a test sets for the captain.
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
    });
    closeSync(out);
    const starting = child;
    const isReady = async () => {
      if (starting.exitCode !== null) throw new Error(`headscale ended: ${await said()}`);
      return answers();
    };
    await until("an answer of headscale", isReady, READY_MS, { everyMs: 30, said });
  };
  const stop = async () => {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill("SIGTERM");
    const timer = setTimeout(() => running.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(timer);
  };

  await start();
  const apiKey = (await run("apikeys", "create", "--expiration", "1h")).trim().split("\n").at(-1) ?? "";
  /** Runs headscale's own command, such as `["nodes", "list"]`, and gives the JSON of its answer. */
  const cli = async (...args: string[]) => JSON.parse((await run(...args, "--output", "json")) || "null");
  return {
    url,
    /** The UDP port where machines ask for STUN, at the host of its URL. */
    stunPort,
    apiKey,
    folder,
    policyFile: join(folder, "policy.json"),
    /** The configuration for `tailnetControl`, or for a resource's settings. */
    config: { headscaleUrl: url, headscaleApiKey: apiKey },
    cli,
    /** Gives the public key by which other machines know a node. */
    nodeKey: async (id: string): Promise<string> =>
      (await cli("nodes", "list")).find((node: { id: number }) => String(node.id) === id).node_key,
    run,
    /** The last lines of its log. */
    said,
    start,
    stop,
    restart: async () => {
      await stop();
      await start();
    },
    close: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * The configuration of a Headscale without the internet: its own DERP relay over plain HTTP, and joins that are not
 * batched for half a second.
 */
const configuration = (folder: string, host: string, port: number, metricsPort: number, stunPort: number) => ({
  server_url: `http://${host}:${port}`,
  listen_addr: `${host}:${port}`,
  metrics_listen_addr: `127.0.0.1:${metricsPort}`,
  grpc_listen_addr: "127.0.0.1:0",
  grpc_allow_insecure: false,
  noise: { private_key_path: join(folder, "noise.key") },
  prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48", allocation: "sequential" },
  derp: {
    server: {
      enabled: true,
      region_id: 999,
      region_code: "test",
      region_name: "test",
      verify_clients: false,
      // Without a STUN that answers, each tailscaled takes UDP for blocked, and needs 3 s longer to start.
      stun_listen_addr: `${host}:${stunPort}`,
      private_key_path: join(folder, "derp.key"),
      automatically_add_embedded_derp_region: true,
      ipv4: host,
      // If it is left out, a name server at 127.0.0.1 is asked by IPv6 too, and waited for.
      ipv6: "none",
    },
    urls: [],
    paths: [],
    auto_update_enabled: false,
  },
  disable_check_updates: true,
  ephemeral_node_inactivity_timeout: "30m",
  database: { type: "sqlite", sqlite: { path: join(folder, "db.sqlite"), write_ahead_log: true } },
  log: { level: "info", format: "text" },
  policy: { mode: "file", path: join(folder, "policy.json") },
  dns: { magic_dns: false, base_domain: "test.internal", override_local_dns: false, nameservers: { global: [] } },
  unix_socket: join(folder, "headscale.sock"),
  unix_socket_permission: "0700",
  logtail: { enabled: false },
  tuning: { node_store_batch_timeout: "20ms" },
});
