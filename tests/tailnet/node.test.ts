import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tailnetSshHome } from "../../lib/base/paths.ts";
import { failure, type Props } from "../support/voyage/resource.ts";
import { startNode } from "./node-here.ts";
import { noOwnNetwork } from "./own-network.ts";
import { type Joined, openTailnetVoyage, type TailnetVoyage } from "./tailnet-voyage.ts";

/**
 * Tests of TailnetNode, driven as the engine does, against a real headscale, tailscaled and harbor ships with networks
 * of their own.
 */
const why = noOwnNetwork();
const sail = test.skipIf(why !== null);
let quay: TailnetVoyage;
let ship: Joined;
let other: Joined;
beforeAll(async () => {
  if (why) return;
  quay = await openTailnetVoyage();
  [ship, other] = await Promise.all([quay.join("ship-0"), quay.join("ship-1")]);
}, 300_000);
afterAll(() => quay?.close());

/** Lists the nodes of one host name as headscale knows them. */
const listed = async (name: string) => (await quay.control.listNodes()).filter((node) => node.hostname === quay.spriteName(name));
const secretsOn = (name: string) =>
  quay.onShip(
    name,
    `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '; find "$HOME" -type f ! -name 'tailscale*' -exec cat {} +`,
  );

sail(`${why ? `(${why}) ` : ""}a ship joins: named, tagged, its key spent and gone, the door to the helm open`, async () => {
  expect(ship.outs).toMatchObject({ user: "sprite", address: expect.stringMatching(/^100\./), present: true });
  expect(await listed("ship-0")).toEqual([
    expect.objectContaining({ id: ship.outs.nodeId, name: quay.spriteName("ship-0"), tags: ["tag:ocaptain-ship"], online: true }),
  ]);
  expect(await quay.control.listKeys(quay.voyageId)).toEqual([]);
  const { stdout: seen } = await secretsOn("ship-0");
  expect(seen).toContain("tailscaled");
  for (const secret of [ship.keyed.key, other.keyed.key, quay.headscale.apiKey]) expect(seen).not.toContain(secret);
  // The helm was reached, since it says that it knows no such token.
  expect((await quay.onShip("ship-0", quay.ask("127.0.0.1:4318/v1/ship/hello"))).stdout).toBe("401");
});

sail("captain → ship by ssh, with host keys that are the tailnet's own record: one that differs is refused", async () => {
  expect(await quay.ssh("ship-0", "id -un; hostname")).toBe(`sprite\n${quay.spriteName("ship-0")}`);
  const putBack = await quay.swapHostKeys("ship-0", "ship-1");
  await expect(quay.ssh("ship-0", "true")).rejects.toThrow(/host key|Host key/i);
  await putBack();
  await expect(quay.ssh("ship-0", "true")).resolves.toBe("");
});

sail("ship → ship and ship → another port of the captain are refused, from the ship", async () => {
  const socks = (target: string) => quay.ask(target, "--socks5-hostname 127.0.0.1:1055 --max-time 6");
  expect((await quay.onShip("ship-0", socks(`${quay.captain}:4318/x`))).stdout).toBe("401");
  const stop = await quay.listen(4319);
  expect((await quay.onShip("ship-0", socks(`${quay.captain}:4319/x`))).stdout).toBe("000");
  stop();
  // An ssh server speaks first.
  const greeting = async (address: unknown) =>
    (
      await quay.onShip(
        "ship-0",
        `curl -sN --socks5-hostname 127.0.0.1:1055 --max-time 6 telnet://${address}:22 </dev/null | head -c 3`,
      )
    ).stdout;
  expect(await greeting(other.outs.address)).toBe("");
});

sail("joined again: nothing changes, and nothing is restarted", async () => {
  const pids = () => Promise.all(["tailscaled", "helm-door"].map(async (one) => (await quay.service("ship-0", one))?.pid));
  const before = await pids();
  expect(await ship.node.create()).toEqual(ship.outs);
  expect(await pids()).toEqual(before);
  expect(await ship.node.read(ship.outs)).toEqual(ship.outs);
  expect((await ship.node.diff(ship.outs)).changes).toBe(false);
});

sail("asleep and woken, warm and cold: at the same address, and a read wakes nobody", async () => {
  for (const to of ["warm", "cold"] as const) {
    await quay.sendToSleep("ship-1", to);
    expect(await other.node.read(other.outs)).toEqual(other.outs);
    expect((await quay.sprites.get(quay.spriteName("ship-1")))?.status).toBe(to);
    await quay.onShip("ship-1", "true");
    await expect.poll(() => quay.ssh("ship-1", "echo awake").catch(String)).toBe("awake");
    expect(await listed("ship-1")).toEqual([
      expect.objectContaining({ id: other.outs.nodeId, addresses: expect.arrayContaining([other.outs.address]) }),
    ]);
  }
});

sail("tailscaled killed, a program changed: the ship's own supervisor, and up, put it right", async () => {
  await quay.onShip("ship-1", `pkill -KILL tailscaled; mv voyage/tailnet/tailscale x; echo broken > voyage/tailnet/tailscale`);
  expect(await other.node.create()).toEqual(other.outs);
  expect(await quay.ssh("ship-1", `"$HOME/voyage/tailnet/tailscale" version | head -1`)).toMatch(/^1\./);
});

sail("an up that died in the midst of forgetting what a ship was, or when it had joined: the next one goes on", async () => {
  const name = quay.spriteName("ship-1");
  const forget = async () => {
    await quay.sprites.stopService(name, "tailscaled");
    await quay.onShip("ship-1", "rm voyage/tailnet/state/tailscaled.state");
  };
  await forget();
  other.outs = (await other.node.update(other.outs)) as typeof other.outs;

  await quay.control.deleteNode(other.outs.nodeId);
  await forget();
  await quay.sprites.startService(name, "tailscaled");
  const of = { stack: quay.stack, voyageId: quay.voyageId, ship: "ship-1", incarnation: "x" };
  const { id, key } = await quay.control.mintKey(of);
  const up = `up --reset --ssh --hostname=${name} --accept-dns=false --netfilter-mode=off --auth-key=${key} --login-server=${quay.headscale.url}`;
  await quay.onShip("ship-1", `cd voyage/tailnet; ./tailscale --socket=tailscaled.sock ${up}`);
  const [joined] = await listed("ship-1");
  other.outs = (await other.node.update(other.outs)) as typeof other.outs;
  expect(other.outs.nodeId).toBe(joined!.id);
  expect(await listed("ship-1")).toHaveLength(1);
  expect(await quay.ssh("ship-1", "echo reached")).toBe("reached");
  await quay.control.deleteKey(id, quay.voyageId);
});

sail("a tailscaled that answers nobody is started anew, as the same", async () => {
  await quay.onShip("ship-1", "rm voyage/tailnet/tailscaled.sock");
  expect(await other.node.update(other.outs)).toEqual(other.outs);
  expect(await quay.ssh("ship-1", "echo reached")).toBe("reached");
});

sail("the control plane's URL is another: up joins the ship by that", async () => {
  await quay.onShip("ship-1", "printf http://10.99.0.1:1 > voyage/tailnet/login-server");
  const before = other.outs.nodeId;
  other.outs = (await other.node.update(other.outs)) as typeof other.outs;
  expect(other.outs.nodeId).not.toBe(before);
  expect(await listed("ship-1")).toHaveLength(1);
  expect(await other.node.update(other.outs)).toEqual(other.outs);
});

sail("removed behind our back: gone, for read; up joins it anew, by a key of its own when the first is spent", async () => {
  await quay.control.deleteNode(String(ship.outs.nodeId));
  expect(await ship.node.read(ship.outs)).toBeNull();
  const outs = (await ship.node.create()) as typeof ship.outs;
  expect(outs.nodeId).not.toBe(ship.outs.nodeId);
  ship.outs = outs;
  expect(await listed("ship-0")).toHaveLength(1);
  expect(await quay.control.listKeys(quay.voyageId)).toEqual([]);
  expect(await quay.ssh("ship-0", "hostname")).toBe(quay.spriteName("ship-0"));
});

sail(
  "awake, and its tailscaled stopped: drift, that up heals; so is a machine that does not know the way to a ship",
  async () => {
    const name = quay.spriteName("ship-0");
    await quay.sprites.stopService(name, "tailscaled");
    await expect.poll(async () => (await ship.node.read(ship.outs))?.present, { timeout: 60_000, interval: 500 }).toBe(false);
    expect(await ship.node.update(ship.outs)).toEqual(ship.outs);
    expect(await ship.node.read(ship.outs)).toEqual(ship.outs);
    await rm(tailnetSshHome(quay.voyageId), { recursive: true });
    expect(await ship.node.read(ship.outs)).toEqual({ ...ship.outs, present: false });
    expect(await ship.node.update(ship.outs)).toEqual(ship.outs);
    expect(await quay.ssh("ship-0", "echo reached")).toBe("reached");
  },
);

const troubles: [string, () => Promise<unknown>][] = [
  ["expired", () => quay.headscale.run("nodes", "expire", "--identifier", String(ship.outs.nodeId))],
  [
    "re-tagged",
    () => quay.headscale.run("nodes", "tag", "--identifier", String(ship.outs.nodeId), "--tags", "tag:ocaptain-captain"),
  ],
  [
    "with a double",
    async () => {
      const { key } = await quay.control.mintKey({
        stack: quay.stack,
        voyageId: quay.voyageId,
        ship: "ship-0",
        incarnation: "x",
      });
      const double = await startNode();
      await double.up(quay.headscale.url, quay.spriteName("ship-0"), key);
      await double.close();
    },
  ],
];
for (const [what, trouble] of troubles)
  sail(`${what}: drift, that up heals: one node of its name, sound, and reached`, async () => {
    const before = { id: ship.outs.nodeId, key: await quay.headscale.nodeKey(ship.outs.nodeId) };
    await trouble();
    const seen = await ship.node.read(ship.outs);
    expect(seen).toEqual({ ...ship.outs, present: false });
    ship.outs = (await ship.node.update(seen as Props)) as typeof ship.outs;
    // A machine that knows a node by its key never finds another node with the same (docs/adr/ships-over-a-tailnet.md).
    const key = await quay.headscale.nodeKey(ship.outs.nodeId);
    expect(key === before.key).toBe(ship.outs.nodeId === before.id);
    const relay = async () => (await quay.cli.status())?.Peer.find(({ ID }) => ID === ship.outs.nodeId)?.Relay;
    await expect.poll(relay).toBe("test");
    expect(await listed("ship-0")).toEqual([
      expect.objectContaining({
        id: ship.outs.nodeId,
        name: quay.spriteName("ship-0"),
        tags: ["tag:ocaptain-ship"],
        expired: false,
      }),
    ]);
    expect(await ship.node.read(ship.outs)).toEqual(ship.outs);
    expect(await quay.ssh("ship-0", "echo reached")).toBe("reached");
  });

sail("a machine of somebody else with a ship's name is none of ours", async () => {
  const { key } = JSON.parse(
    await quay.headscale.run("preauthkeys", "create", "--tags", "tag:ocaptain-captain", "--output", "json"),
  );
  const stranger = await startNode();
  await stranger.up(quay.headscale.url, quay.spriteName("ship-0"), key);
  expect(await ship.node.read(ship.outs)).toEqual(ship.outs);
  expect(await ship.node.create()).toEqual(ship.outs);
  expect(await listed("ship-0")).toHaveLength(2);
  await stranger.close();
  for (const { id, tags } of await listed("ship-0")) if (!tags.includes("tag:ocaptain-ship")) await quay.control.deleteNode(id);
});

sail("a VM made anew: its node takes the old one's place, name and all; a delete of the old life leaves it alone", async () => {
  const old = ship;
  await quay.sprites.remove(quay.spriteName("ship-0"));
  ship = await quay.join("ship-0", old.outs);
  expect(ship.incarnation).not.toBe(old.incarnation);
  expect(ship.outs.nodeId).not.toBe(old.outs.nodeId);
  expect(await listed("ship-0")).toEqual([expect.objectContaining({ id: ship.outs.nodeId, name: quay.spriteName("ship-0") })]);
  await old.node.remove(old.outs);
  expect(await listed("ship-0")).toHaveLength(1);
  expect(await quay.ssh("ship-0", "echo reached")).toBe("reached");
});

sail("a control plane that does not answer: said so, with nothing taken for gone; what was made is recorded", async () => {
  await quay.headscale.stop();
  await expect(ship.node.read(ship.outs)).rejects.toThrow(/10\.99\.0\.1/);
  const partly = await failure(ship.node.update(ship.outs));
  expect(partly).toMatchObject({
    message: expect.stringMatching(/10\.99\.0\.1/),
    properties: { nodeId: ship.outs.nodeId, present: false },
  });
  await quay.headscale.start();
  expect(await ship.node.update(partly.properties)).toEqual(ship.outs);
});

sail(
  "delete: logged out, gone from the tailnet and from the ship; the second time it is quiet; a VM that is gone, too",
  async () => {
    await ship.node.remove(ship.outs);
    expect(await listed("ship-0")).toEqual([]);
    expect(await quay.service("ship-0", "tailscaled")).toBeNull();
    expect((await quay.onShip("ship-0", "ls voyage; pgrep tailscaled; true")).stdout).not.toMatch(/tailnet|\d{2}/);
    await ship.node.remove(ship.outs);
    await quay.sprites.remove(quay.spriteName("ship-1"));
    await other.node.remove(other.outs);
    expect((await quay.control.listNodes()).map(({ tags }) => tags)).toEqual([["tag:ocaptain-captain"]]);
  },
);

sail(
  "the proof of a destroy removes nodes and keys that the state does not know, and what says how ships are reached",
  async () => {
    await quay.join("ship-0");
    await quay.control.mintKey({ stack: quay.stack, voyageId: quay.voyageId, ship: "ship-2", incarnation: "lost" });
    // An `up` died after the joining, before it was recorded; so the VM and Muster are all that `destroy` knows of.
    await quay.sprites.remove(quay.spriteName("ship-0"));
    await quay.helm.remove(quay.helmed);
    await quay.muster.with(quay.settings).remove({ ...quay.mustered, control: "headscale" });
    expect(await quay.control.listNodes()).toEqual([]);
    expect(await quay.control.listKeys(quay.voyageId)).toEqual([]);
    expect(existsSync(tailnetSshHome(quay.voyageId))).toBe(false);
  },
);
