import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import jsonc from "jsonc-parser";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CAPTAIN_TAG, SHIP_TAG } from "../../lib/tailnet/control/types.ts";
import { TailscaleStatus } from "../../lib/tailnet/node/tailscale-cli.ts";
import { renderHeadscalePolicy } from "../../lib/tailnet/policy/policy.ts";
import { readHeadscalePolicy } from "../../lib/tailnet/policy/policy-api.ts";
import { BUILD_MS, goParts } from "./go-parts.ts";
import { type Headscale, startHeadscale } from "./headscale.ts";
import { joinMachine } from "./machine.ts";

/**
 * Tests of the policy as a real headscale and real tailscaleds enforce it, each machine in a network namespace of its
 * own; each try starts at the machine that must not get through.
 */
const POLICY = renderHeadscalePolicy(["you@"]);
type Machine = Awaited<ReturnType<typeof joinMachine>> & { ip: string };

let headscale: Headscale;
const machines: Record<string, Machine> = {};
const listeners: { kill: () => boolean }[] = [];
beforeAll(async () => {
  headscale = await startHeadscale({ policy: jsonc.parse(POLICY, [], { allowTrailingComma: true }) });
  for (const user of ["you", "stranger"]) await headscale.run("users", "create", user);
  const ids = Object.fromEntries(
    ((await headscale.cli("users", "list")) as { name: string; id: number }[]).map(({ name, id }) => [name, String(id)]),
  );
  const join = async (hostname: string, ...as: string[]) => {
    const { key } = await headscale.cli("preauthkeys", "create", "--expiration", "1h", ...as);
    const machine = await joinMachine(headscale, { hostname, key });
    const ip = (await machine.tailscale("ip", "-4")).stdout.trim();
    machines[hostname] = { ...machine, ip };
    for (const port of [4318, 4319]) await listen(machine, port, hostname);
  };
  await join("captain", "--user", ids.you!);
  await join("own-node", "--tags", CAPTAIN_TAG);
  await join("stranger", "--user", ids.stranger!);
  await join("ship-0", "--tags", SHIP_TAG);
  await join("ship-1", "--tags", SHIP_TAG);
}, BUILD_MS);
afterAll(async () => {
  for (const listener of listeners) listener.kill();
  await Promise.all(Object.values(machines).map((machine) => machine.close()));
  await headscale?.close();
});

/**
 * Starts a server that says its name to whoever comes, on the machine's own loopback, where userspace networking
 * delivers.
 */
async function listen({ pid }: { pid: number | undefined }, port: number, name: string): Promise<void> {
  const code = `require("net").createServer((one) => one.on("error", () => {}).end("${name}")).listen(${port}, "127.0.0.1", () => console.log("ready"))`;
  const child = execa("nsenter", ["-t", String(pid), "-U", "-n", "--preserve-credentials", process.execPath, "-e", code], {
    reject: false,
  });
  listeners.push(child);
  await once(child.stdout, "data");
}

/** Gives what answers there, or "nothing" after a while. */
async function reached(from: string, to: string, port: number, patienceMs = 4_000): Promise<string> {
  const { tailscale } = machines[from]!;
  const answer = tailscale("nc", machines[to]!.ip, String(port));
  const timer = setTimeout(() => answer.kill("SIGKILL"), patienceMs);
  const said = await answer.then(
    ({ stdout }) => stdout,
    () => "",
  );
  clearTimeout(timer);
  return said || "nothing";
}

/**
 * Waits until both know a relay of the other: headscale tells of changes up to 0.8 s late, and what is sent before that
 * is lost, and sent again only after WireGuard's 5 s.
 */
async function meet(one: string, other: string): Promise<void> {
  const knows = async (from: string, to: string) => {
    const { Peer } = TailscaleStatus.parse(JSON.parse((await machines[from]!.tailscale("status", "--json")).stdout));
    return Peer.some(({ HostName, Relay }) => HostName === to && Relay !== "");
  };
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const)
    await expect.poll(() => knows(from, to)).toBe(true);
}

test("headscale's own check takes the text as it is written, comments and all", async () => {
  const file = join(headscale.folder, "as-written.hujson");
  await writeFile(file, POLICY);
  const check = await execa((await goParts()).headscale, ["policy", "check", "--file", file], { all: true, timeout: 20_000 });
  expect(check.all).toMatch(/valid/i);
  expect(
    jsonc.parse(await readHeadscalePolicy({ kind: "headscale", baseUrl: headscale.url, apiKey: headscale.apiKey })),
  ).toMatchObject({ ssh: [{ action: "accept" }] });
});

test.each(["captain", "own-node"])(
  "%s reaches ships on any port, and ships reach its port of the helm, and no other",
  async (captain) => {
    await meet(captain, "ship-0");
    expect(await reached(captain, "ship-0", 4319, 20_000)).toBe("ship-0");
    expect(await reached("ship-0", captain, 4318, 20_000)).toBe(captain);
    expect(await reached("ship-0", captain, 4319)).toBe("nothing");
  },
);

test("ships do not reach each other, where the captain does, nor see that there are others; strangers and ships do not reach one another", async () => {
  await meet("captain", "ship-1");
  expect(await reached("captain", "ship-1", 4318, 20_000)).toBe("ship-1");
  for (const [from, to] of [
    ["ship-0", "ship-1"],
    ["ship-1", "ship-0"],
    ["ship-0", "stranger"],
    ["stranger", "ship-0"],
  ] as const)
    for (const port of [4318, 4319]) expect(await reached(from, to, port, 2_500), `${from} to ${to}:${port}`).toBe("nothing");
  const { stdout } = await machines["ship-0"]!.tailscale("status", "--json");
  const peers = Object.values(JSON.parse(stdout).Peer as Record<string, { HostName: string }>).map((peer) => peer.HostName);
  expect(peers.sort()).toEqual(["captain", "own-node"]);
});
