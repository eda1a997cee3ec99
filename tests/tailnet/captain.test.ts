import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ensureOwnNode, leaveOwnNode } from "../../dynamic-providers/shared/own-node.ts";
import { captainNodeHome } from "../../lib/base/paths.ts";
import { ensureHelm } from "../../lib/daemons/helm.ts";
import { helmClient } from "../../lib/daemons/helm-client.ts";
import { CAPTAIN_TAG } from "../../lib/tailnet/control/types.ts";
import { captainNode } from "../../lib/tailnet/node/captain.ts";
import { sshConfigFile } from "../../lib/tailnet/node/ssh.ts";
import type { Props } from "../support/voyage/resource.ts";
import { goParts } from "./go-parts.ts";
import { startNode } from "./node-here.ts";
import { noOwnNetwork } from "./own-network.ts";
import { openTailnetVoyage, type TailnetVoyage } from "./tailnet-voyage.ts";

/**
 * Tests of the captain's end of a tailnet: a machine's tailscaled with a kernel interface, or one of the project's own
 * in userspace.
 */
const why = noOwnNetwork();
const reason = why ? `(${why}) ` : "";

/** Gives the addresses at which the helm's process listens. */
const listening = async (pid: number) => {
  const { stdout } = await execa("ss", ["-Hltnp"]);
  const lines = stdout.split("\n").filter((line) => line.includes(`pid=${pid},`));
  return lines.map((line) => line.trim().split(/\s+/)[3]).sort();
};
const helmPid = async () => (await helmClient().health()).pid;

describe("a kernel interface", () => {
  const sail = test.skipIf(why !== null);
  let quay: TailnetVoyage;
  beforeAll(async () => {
    if (!why) quay = await openTailnetVoyage({ kernel: true });
  }, 120_000);
  afterAll(() => quay?.close());

  sail(`${reason}the helm listens at the captain's address in the tailnet and at loopback, and nowhere else`, async () => {
    expect(await captainNode({ own: false })).toMatchObject({ tun: true, address: quay.captain });
    expect(await listening(await helmPid())).toEqual([`${quay.captain}:4318`, "127.0.0.1:4318"].sort());
  });

  sail("a ship comes to the helm by its door, and the captain to the ship without a proxy", async () => {
    await quay.join("ship-0");
    expect((await quay.onShip("ship-0", quay.ask("127.0.0.1:4318/v1/ship/hello"))).stdout).toBe("401");
    expect(await quay.ssh("ship-0", "hostname")).toBe(quay.spriteName("ship-0"));
    expect(await readFile(sshConfigFile(quay.voyageId), "utf8")).not.toContain("ProxyCommand");
  });

  sail("a ship that is listed and on line, and never answers, is joined anew", async () => {
    const joined = await quay.join("ship-1");
    // Another machine's tailscaled may have mixed this address up for good; a `tailscale` whose pings of it get no
    // answer stands for that here.
    const folder = await mkdtemp(join(tmpdir(), "ot-"));
    const { PATH } = process.env;
    onTestFinished(async () => {
      process.env.PATH = PATH;
      await rm(folder, { recursive: true });
    });
    const real = join((await goParts()).folder, "tailscale");
    const script = `#!/bin/sh\ncase "$*" in *"ping "*" ${joined.outs.address}") exit 1 ;; esac\nexec "${real}" "$@"\n`;
    await writeFile(join(folder, "tailscale"), script, { mode: 0o755 });
    process.env.PATH = `${folder}:${PATH}`;
    const outs = (await joined.node.update(joined.outs)) as typeof joined.outs;
    expect(outs.address).not.toBe(joined.outs.address);
    const all = (await quay.control.listNodes()).filter(({ hostname }) => hostname === quay.spriteName("ship-1"));
    expect(all.map(({ id }) => id)).toEqual([outs.nodeId]);
    expect(await quay.ssh("ship-1", "hostname")).toBe(quay.spriteName("ship-1"));
  });

  sail("a helm that was killed listens there again; one whose address is not there yet, as soon as it is", async () => {
    await quay.killHelm();
    await quay.helm.create({ control: "headscale" });
    expect(await listening(await helmPid())).toContain(`${quay.captain}:4318`);
    await quay.killHelm();
    await quay.machine?.cli.run(["down"]);
    expect(await quay.helm.read(quay.helmed)).toMatchObject({ present: false });
    await expect(quay.helm.create({ control: "headscale" })).rejects.toThrow(/stopped \(tailscale down\).*captainNode own/s);
    await ensureHelm();
    expect(await listening(await helmPid())).toEqual(["127.0.0.1:4318"]);
    await quay.machine?.cli.run(["up"]);
    await expect.poll(async () => listening(await helmPid())).toContain(`${quay.captain}:4318`);
  });

  sail("when the voyage is gone from the helm, so is the door", async () => {
    await quay.helm.remove(quay.helmed as Props);
    await expect
      .poll(() =>
        helmClient()
          .health()
          .catch((error: { code: string }) => error.code),
      )
      .toBe("HELM_DOWN");
  });
});

describe("a node of the project's own", () => {
  const sail = test.skipIf(why !== null);
  let quay: TailnetVoyage;
  beforeAll(async () => {
    if (!why) quay = await openTailnetVoyage();
  }, 120_000);
  afterAll(() => quay?.close());

  const mine = async () => (await quay.control.listNodes()).filter(({ tags }) => tags.includes(CAPTAIN_TAG));
  const ours = async () => (await readFile(`${captainNodeHome()}/pid`, "utf8")).trim();
  const of = (voyageId: string) => ({ stack: quay.stack, voyageId });

  sail(`${reason}in userspace: the helm listens at loopback alone, where it delivers; no key is left`, async () => {
    expect(await captainNode({ own: true })).toMatchObject({ tun: false, address: quay.captain });
    expect(await listening(await helmPid())).toEqual(["127.0.0.1:4318"]);
    expect(await quay.control.listKeys(quay.voyageId)).toEqual([]);
    expect(await readdir(captainNodeHome())).not.toContain("key");
  });

  sail(
    "ensured again it is the same; killed, it comes back as the same; removed from the tailnet, it joins anew, alone of its name",
    async () => {
      const [before, pid] = [await mine(), await ours()];
      await ensureOwnNode(quay.control, of(quay.voyageId));
      expect(await ours()).toBe(pid);
      process.kill(Number(pid), "SIGKILL");
      await ensureOwnNode(quay.control, of(quay.voyageId));
      expect((await mine()).map(({ id, addresses }) => [id, addresses])).toEqual(
        before.map(({ id, addresses }) => [id, addresses]),
      );
      await quay.control.deleteNode(before[0]!.id);
      await ensureOwnNode(quay.control, of(quay.voyageId));
      expect(await mine()).toEqual([expect.objectContaining({ hostname: before[0]!.hostname, name: before[0]!.name })]);
    },
  );

  sail("joined anew, it has another key and tells its relay: without either a ship could not call it", async () => {
    const ship = await startNode();
    onTestFinished(() => ship.close());
    const { key } = await quay.control.mintKey({ ...of(quay.voyageId), ship: "ship-0", incarnation: "x" });
    await ship.up(quay.headscale.url, "ship", key);
    for (let time = 1; time <= 3; time++) {
      const before = (await mine())[0]!.id;
      const key = await quay.headscale.nodeKey(before);
      await quay.headscale.run("nodes", "expire", "--identifier", before);
      await ensureOwnNode(quay.control, of(quay.voyageId));
      const id = (await mine())[0]!.id;
      expect(await quay.headscale.nodeKey(id)).not.toBe(key);
      const relay = async () => (await ship.cli.status())?.Peer.find((peer) => peer.ID === id)?.Relay;
      await expect.poll(relay).toBe("test");
    }
  });

  sail("it is in one tailnet: a voyage of another is refused, and changes nothing", async () => {
    const other = { ...quay.control, loginServer: "https://other.example.com" };
    await expect(ensureOwnNode(other, of("abc123"))).rejects.toThrow(
      new RegExp(`in the tailnet of ${quay.headscale.url}, for voyage ${quay.voyageId}.*other.example.com`),
    );
    expect(await readdir(`${captainNodeHome()}/users`)).toEqual([quay.voyageId]);
    expect(await mine()).toHaveLength(1);
  });

  sail("removed from the tailnet: drift of the helm's resource, that up heals", async () => {
    const helmed = await quay.helm.create({ control: "headscale" });
    expect(await quay.helm.read(helmed)).toMatchObject({ present: true });
    await quay.control.deleteNode((await mine())[0]!.id);
    expect(await captainNode({ own: true })).toBeTruthy(); // The node itself does not know of its removal.
    expect(await quay.helm.read(helmed)).toMatchObject({ present: false });
    const healed = await quay.helm.update(helmed, { control: "headscale" });
    expect(await quay.helm.read(healed)).toMatchObject({ present: true });
    expect(await mine()).toHaveLength(1);
  });

  sail("an end that fails midway is gone through again by the next destroy", async () => {
    const pid = await ours();
    await quay.headscale.stop();
    await expect(leaveOwnNode(quay.control, quay.voyageId)).rejects.toThrow(/10\.99\.0\.1/);
    await quay.headscale.start();
    await leaveOwnNode(quay.control, quay.voyageId);
    expect(() => process.kill(Number(pid), 0)).toThrow("ESRCH");
    expect(await mine()).toEqual([]);
    await ensureOwnNode(quay.control, of(quay.voyageId));
  });

  sail("the last voyage that asked for it ends it: no process, no node, no folder", async () => {
    await ensureOwnNode(quay.control, of("abc123"));
    const pid = await ours();
    await leaveOwnNode(quay.control, quay.voyageId);
    expect(await captainNode({ own: true })).toBeTruthy();
    await leaveOwnNode(quay.control, "abc123");
    expect(() => process.kill(Number(pid), 0)).toThrow("ESRCH");
    expect(await mine()).toEqual([]);
    await expect(readdir(captainNodeHome())).rejects.toThrow("ENOENT");
    await leaveOwnNode(quay.control, "abc123");
  });
});
