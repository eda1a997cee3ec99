import { statSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { leaveOwnNode } from "../../dynamic-providers/shared/own-node.ts";
import { spriteName, spritePrefix } from "../../lib/base/naming.ts";
import { knownHarbor } from "../../lib/daemons/harbor.ts";
import type { VoyageStatus } from "../../lib/protocol/status.ts";
import { tailnetControl } from "../../lib/tailnet/control/control.ts";
import { policyRules } from "../../lib/tailnet/policy/policy-rules.ts";
import { type Captain, openCaptain } from "../stack/captain.ts";
import { BIN } from "../support/ocaptain.ts";
import { openTerm } from "../support/term.ts";
import { type Headscale, startHeadscale } from "./headscale.ts";
import { HEADSCALE_HOST, noOwnNetwork, openNetwork } from "./own-network.ts";

/**
 * Tests of a whole voyage over a tailnet, by the real engine: a real headscale that enforces the policy, the captain's
 * own node, and three harbor ships with networks of their own that may sleep. Each ship's tasks wait until there is a
 * file `go` on it, so that every test finds the fleet in the middle of its work.
 */
const why = noOwnNetwork();
const sail = test.skipIf(why !== null);
const ids = ["1", "2", "3", "4", "5", "6"];
const gated = ids.map((id) => ({
  id,
  run: `until [ -e "$HOME/go" ]; do sleep 0.2; done; mkdir -p out; echo ${id} > out/${id}`,
}));

let headscale: Headscale;
let captain: Captain;
let id: string;
/** The network namespaces before anything was made. */
let before: string[];
const sprite = (ship: string) => spriteName(captain.stack, id, ship);
const row = (status: VoyageStatus, ship: string) => status.ships.find((one) => one.ship === ship);
const allAtWork = (s: VoyageStatus) => s.ships.length === 3 && s.ships.every((ship) => ship.connected && ship.task !== null);
const onShip = async (ship: string, script: string) => (await captain.sprites()).exec(sprite(ship), ["sh", "-c", script]);
/** Gives the voyage's machines as headscale lists them. */
const nodes = async () => {
  const all = (await headscale.cli("nodes", "list")) as {
    id: number;
    given_name: string;
    ip_addresses: string[];
    tags?: string[];
  }[];
  return all.filter(({ given_name }) => given_name.startsWith(spritePrefix(captain.stack, id)));
};
const addresses = async () => Object.fromEntries((await nodes()).map((node) => [node.given_name, node.ip_addresses[0]]));
const captainAddress = async () => {
  const all = (await headscale.cli("nodes", "list")) as { given_name: string; ip_addresses: string[] }[];
  return all.find(({ given_name }) => given_name.startsWith("ocaptain-captain-"))?.ip_addresses[0] ?? "";
};

beforeAll(async () => {
  if (why) return;
  await openNetwork();
  before = await networks();
  headscale = await startHeadscale({ host: HEADSCALE_HOST, policy: policyRules("headscale", []) });
  captain = await openCaptain({
    tasks: gated,
    config: { ships: 3, mesh: "tailscale", headscaleUrl: headscale.url, captainNode: "own", leaseSeconds: 60 },
  });
  Object.assign(process.env, {
    OCAPTAIN_HELM_PORT: "4318",
    OCAPTAIN_HARBOR_NET: "isolated",
    OCAPTAIN_HARBOR_IDLE_MS: "4000",
    HEADSCALE_API_KEY: headscale.apiKey,
  });
});
afterAll(async () => {
  // A destroy ends the captain's own node; this is for when there was none.
  if (captain && id) await leaveOwnNode(tailnetControl(headscale.config), id);
  await captain?.close();
  await headscale?.close();
});

sail(
  `${why ? `(${why}) ` : ""}up: three ships, each in the tailnet by a key of its own, at work; up again changes nothing`,
  async () => {
    await captain.up([], { timeoutMs: 240_000 });
    id = await captain.voyageId();
    await captain.until("at work", allAtWork);
    const outputs = await captain.outputs();
    const at = await addresses();
    expect(outputs.ships.map(({ address }) => address)).toEqual(
      ["ship-0", "ship-1", "ship-2"].map((ship) => `sprite@${at[sprite(ship)]}`),
    );
    expect(outputs.helm).toBe("http://127.0.0.1:4318");
    expect((await nodes()).map(({ tags }) => tags)).toEqual(Array(3).fill(["tag:ocaptain-ship"]));
    await captain.up(["--expect-no-changes"]);
  },
);

sail("from a ship: the helm at the captain's 4318, and nothing else of the captain's, and no other ship", async () => {
  const at = await addresses();
  const address = await captainAddress();
  const ask = async (target: string) => {
    const curl = `curl -s -o /dev/null -w '%{http_code}' --max-time 4 --socks5-hostname 127.0.0.1:1055 http://${target}/v1/ship/hello || true`;
    return (await onShip("ship-0", curl)).stdout;
  };
  expect(await ask(`${address}:4318`)).toBe("401");
  const [url] = [knownHarbor()?.url ?? ""];
  // The harbor listens there on loopback, where userspace networking would deliver it.
  expect(await ask(`${address}:${new URL(url).port}`)).toBe("000");
  for (const port of [22, 1055, 4318]) expect(await ask(`${at[sprite("ship-1")]}:${port}`)).toBe("000");
});

sail("Mutagen and shell come by the tailnet: a change at the captain is on the ship; ssh, in a terminal", async () => {
  const mirror = join(captain.voyage.mirror("ship-1"), "note");
  await execa("sh", ["-c", `echo steer > ${mirror}`]);
  const seen = async () => (await onShip("ship-1", "cat voyage/workspace/note 2>/dev/null; true")).stdout;
  await expect.poll(seen).toBe("steer\n");
  const ssh = (await captain.processes("ssh -F")).filter((line) => line.includes(sprite("ship-1")));
  expect(ssh.length).toBeGreaterThanOrEqual(3);
  const term = await openTerm();
  await term.enter(`${BIN} shell ${captain.stack} ship-1 --raw; echo "status $?"`);
  await expect.poll(async () => (await onShip("ship-1", "ps -e -o args | grep -c [b]e-child; true")).stdout).not.toBe("0\n");
  await term.enter("echo at:$(hostname)");
  await term.sees(new RegExp(`at:${sprite("ship-1")}`));
  await term.enter("exit 7");
  await term.sees(/status 7/);
  await term.close();
});

sail(
  "a ship that slept, warm and cold, is back at the same address, with its claim, and its syncs resume by themselves",
  async () => {
    const at = await addresses();
    for (const to of ["warm", "cold"]) {
      const asleep = row(await captain.until("at work", allAtWork), "ship-2");
      await sleep("ship-2", to);
      const state = async () => (await (await captain.sprites()).get(sprite("ship-2")))?.status;
      expect(await state()).toBe(to);
      // The helm wakes it, through the provider, after three silent heartbeats.
      await expect.poll(state, { timeout: 60_000 }).toBe("running");
      const awake = row(await captain.until("back at work", allAtWork, 90_000), "ship-2");
      expect(awake).toMatchObject({ incarnation: asleep?.incarnation, task: asleep?.task, epoch: asleep?.epoch });
      expect(await addresses()).toEqual(at);
      // The file is not in the tree, because a crew that was started anew begins with a clean tree.
      await onShip("ship-2", `echo ${to} > voyage/logs/woken`);
      const logs = captain.voyage.shipLogs("ship-2", asleep?.incarnation ?? "");
      const mirrored = () => readFile(join(logs, "woken"), "utf8").catch(() => "");
      await expect.poll(mirrored, { timeout: 60_000 }).toBe(`${to}\n`);
    }
    await captain.up(["--expect-no-changes"]);
  },
);

sail("a node removed behind our back: preview says so, up joins it anew, the claim is kept", async () => {
  const held = row(await captain.until("at work", allAtWork), "ship-0");
  const [node] = (await nodes()).filter(({ given_name }) => given_name === sprite("ship-0"));
  await headscale.run("nodes", "delete", "--identifier", String(node?.id), "--force");
  expect(String((await captain.preview()).stdout)).toMatch(/ship-0-node .*create/);
  await captain.up([], { timeoutMs: 180_000 });
  const after = row(await captain.until("at work", allAtWork), "ship-0");
  expect(after).toMatchObject({ incarnation: held?.incarnation, task: held?.task, epoch: held?.epoch });
  const again = (await nodes()).filter(({ given_name }) => given_name === sprite("ship-0"));
  expect(again).toHaveLength(1);
  expect(again[0]?.id).not.toBe(node?.id);
  await captain.up(["--expect-no-changes"]);
});

sail("headscale restarted in the middle: the fleet goes on, and up has nothing to do", async () => {
  await headscale.stop();
  const status = await captain.until("still at work", allAtWork);
  await headscale.start();
  await captain.up(["--expect-no-changes"], { timeoutMs: 180_000 });
  const after = await captain.until("still at work", allAtWork);
  expect(after.tasks.map(({ epoch }) => epoch)).toEqual(status.tasks.map(({ epoch }) => epoch));
});

sail("a VM lost: up makes it anew, node and all, under the same name, in one go", async () => {
  const lost = row(await captain.until("at work", allAtWork), "ship-1");
  await (await captain.sprites()).remove(sprite("ship-1"));
  await captain.up([], { timeoutMs: 180_000 });
  await captain.until("at work", (s) => allAtWork(s) && row(s, "ship-1")?.incarnation !== lost?.incarnation);
  expect(Object.keys(await addresses()).sort()).toEqual(["ship-0", "ship-1", "ship-2"].map(sprite));
  await captain.up(["--expect-no-changes"]);
});

sail("secrets are where they belong: not in state, logs, command lines, environments, or on ships", async () => {
  const places: [string, string][] = [["state", JSON.stringify(await captain.state())]];
  places.push(
    // Files of the captain: daemons' folders, voyages with ledger and mirrors, Pulumi's states, backups and history.
    ...(await filesUnder(captain.folder)),
    ["printed by preview", String((await captain.preview()).all)],
    ...(await processesOf(captain.folder)),
  );
  for (const ship of ["ship-0", "ship-1", "ship-2"]) places.push([ship, (await onShip(ship, EVERYTHING)).stdout]);
  // Each of these places was really looked at.
  for (const place of [
    /^state/,
    /helm\.log$/,
    /tailscaled\.log$/,
    /ledger\.sqlite/,
    /\/history\/.*\.json$/,
    /^printed/,
    /^environ .*harbor.main\.ts/,
    /^environ .*helm.main\.ts/,
    /^ship-2/,
  ])
    expect(
      places.some(([name, text]) => place.test(name) && text.length > 100),
      String(place),
    ).toBe(true);
  const secrets = new RegExp(`${headscale.apiKey}|hskey-auth-`);
  expect(places.filter(([, text]) => secrets.test(text)).map(([name]) => name)).toEqual([]);
});

sail("the plan is worked off, over the tailnet, and verified", async () => {
  for (const ship of ["ship-0", "ship-1", "ship-2"]) await onShip(ship, 'touch "$HOME/go"');
  await captain.until("verified", (s) => s.state === "verified", 120_000);
  const log = await execa("git", ["--git-dir", captain.voyage.repo, "log", "--format=%s", captain.stack]);
  expect(log.stdout.split("\n").sort()).toEqual(["Start", ...ids.map((one) => `Task ${one}`)]);
});

sail("scaled down: the node goes with its ship", async () => {
  await captain.configure({ ships: 2 });
  await captain.up([], { timeoutMs: 180_000 });
  expect(Object.keys(await addresses()).sort()).toEqual(["ship-0", "ship-1"].map(sprite));
});

sail("destroy: no node, no key, no process, no network is left", async () => {
  await captain.destroy([], { timeoutMs: 240_000 });
  expect((await headscale.cli("nodes", "list")) ?? []).toEqual([]);
  expect((await headscale.cli("preauthkeys", "list")) ?? []).toEqual([]);
  await expect.poll(() => captain.processes()).toEqual([]);
  await expect.poll(networks).toEqual(before);
  expect(await readdir(join(captain.folder, "h", "tailnet"))).toEqual(["captain.sqlite", "ssh"]);
  const links = JSON.parse((await execa("ip", ["-json", "link", "show"])).stdout) as { ifname: string }[];
  expect(links.map(({ ifname }) => ifname).sort()).toEqual(["lo", "v0", "v1"]);
});

/** Sends a ship to sleep, as a while without activity does. */
async function sleep(ship: string, to: string): Promise<void> {
  const { url, token } = knownHarbor() ?? { url: "", token: "" };
  const reply = await fetch(`${url}/__harbor/sprites/${sprite(ship)}/sleep`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ to }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!reply.ok) throw new Error(`sleep: ${reply.status}`);
}

/** Lists the network namespaces that processes are in, as the kernel lists them. */
async function networks(): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/net`).catch(() => "")));
  return [...new Set(all)].filter(Boolean).sort();
}

/** The size from which a file is taken for a program, and not read. */
const MOST_BYTES = 8 * 2 ** 20;
const EVERYTHING = `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; find "$HOME" /tmp -type f ! -name 'tailscale*' ! -path '*/.mutagen/*' -exec cat {} + 2>/dev/null; true`;

/** Gives `[name, text]` of each file, except programs, which are large. */
async function filesUnder(folder: string): Promise<[string, string][]> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const wanted = files.filter((file) => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) < MOST_BYTES);
  return Promise.all(wanted.map(async (file) => [file, await readFile(file, "utf8").catch(() => "")] as [string, string]));
}

/**
 * Gives the command line and environment of each process of this captain's machine, except this process's, which has
 * what a person has set.
 */
async function processesOf(folder: string): Promise<[string, string][]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const read = async (pid: string, what: string) =>
    (await readFile(`/proc/${pid}/${what}`, "utf8").catch(() => "")).replaceAll("\0", " ");
  const all = await Promise.all(
    pids.map(async (pid) => {
      const [line, environ] = [await read(pid, "cmdline"), await read(pid, "environ")];
      if (!(line + environ).includes(join(folder, "h"))) return [];
      return [[`command ${line}`, line] as [string, string], [`environ of ${line}`, environ] as [string, string]];
    }),
  );
  return all.flat();
}
