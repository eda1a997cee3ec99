import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { execa } from "execa";
import { leaveOwnNode } from "../../dynamic-providers/shared/own-node.ts";
import { spriteName } from "../../lib/base/naming.ts";
import { tailnetSshHome } from "../../lib/base/paths.ts";
import { tailnetControl } from "../../lib/tailnet/control/control.ts";
import { CAPTAIN_TAG } from "../../lib/tailnet/control/types.ts";
import { captainTailscale } from "../../lib/tailnet/node/captain.ts";
import { sshConfigFile } from "../../lib/tailnet/node/ssh.ts";
import { policyRules } from "../../lib/tailnet/policy/policy-rules.ts";
import { diamond } from "../support/plan.ts";
import { type Props, resource } from "../support/voyage/resource.ts";
import { openVoyage } from "../support/voyage/voyage.ts";
import { type Headscale, startHeadscale } from "./headscale.ts";
import { startNode } from "./node-here.ts";
import { HEADSCALE_HOST, openNetwork } from "./own-network.ts";

type Outs = Props & { address: string; nodeId: string; user: string };
export type Joined = Awaited<ReturnType<TailnetVoyage["join"]>>;
export type TailnetVoyage = Awaited<ReturnType<typeof openTailnetVoyage>>;

/**
 * Opens a voyage of the contract tests in a tailnet: a real headscale, ships with networks of their own, and, as the
 * captain's node, the project's own or (with `kernel`) a tailscaled of this machine with a kernel interface.
 */
export async function openTailnetVoyage({ kernel = false }: { kernel?: boolean } = {}) {
  await openNetwork();
  Object.assign(process.env, { OCAPTAIN_HARBOR_NET: "isolated" });
  const headscale = await startHeadscale({ host: HEADSCALE_HOST, policy: policyRules("headscale", []) });
  const quay = await openVoyage(diamond(3), { port: 4318 });
  const machine = kernel ? await startMachine(headscale) : null;
  const settings = kernel ? headscale.config : { ...headscale.config, captainNode: "own" };
  const control = "headscale" as const;
  const { stack, voyageId } = quay;
  const common = { stack, voyageId, provider: "harbor" as const, control };
  await quay.workspace.create();
  const helm = quay.helm.with(settings);
  const helmed = (await helm.create({ control })) as Props & { captain: string; port: number };

  const ssh = async (ship: string, script: string) =>
    (
      await execa("ssh", ["-F", sshConfigFile(voyageId), spriteName(stack, voyageId, ship), script], {
        timeout: 30_000,
        stdin: "ignore",
      })
    ).stdout;
  const key = (ship: string, incarnation: string) =>
    resource("tailnet-key", { stack, voyageId, ship, sprite: spriteName(stack, voyageId, ship), incarnation, control }, settings);
  const node = (ship: string, incarnation: string, { key, keyId }: { key: string; keyId: string }) =>
    resource(
      "tailnet-node",
      {
        ...common,
        ship,
        sprite: spriteName(stack, voyageId, ship),
        incarnation,
        key,
        keyId,
        captain: helmed.captain,
        helmPort: helmed.port,
        digest: "one",
      },
      settings,
    );

  return {
    ...quay,
    headscale,
    settings,
    captain: helmed.captain,
    control: tailnetControl(headscale.config),
    cli: await captainTailscale({ own: !kernel }),
    key,
    node,
    helm,
    helmed,
    /** Joins a ship; `before` is what the state has of an earlier life. */
    join: async (ship: string, before?: Props) => {
      const sprite = await quay.sprite(ship).create({ control });
      const incarnation = String(sprite.incarnation);
      const keyed = (await key(ship, incarnation).create()) as Props & { key: string; keyId: string };
      const joining = node(ship, incarnation, keyed);
      const started = performance.now();
      const outs = (await (before ? joining.update(before) : joining.create())) as Outs;
      return { sprite, keyed, incarnation, outs, node: joining, seconds: (performance.now() - started) / 1000 };
    },
    ssh,
    /** Gives one ship's name another's host keys; the function that it returns undoes that. */
    async swapHostKeys(ship: string, from: string): Promise<() => Promise<void>> {
      const file = (name: string) => join(tailnetSshHome(voyageId), "ships", `${spriteName(stack, voyageId, name)}.known-hosts`);
      const [right, wrong] = await Promise.all([readFile(file(ship), "utf8"), readFile(file(from), "utf8")]);
      await writeFile(file(ship), wrong.replaceAll(spriteName(stack, voyageId, from), spriteName(stack, voyageId, ship)));
      return () => writeFile(file(ship), right);
    },
    service: (ship: string, service: string) => quay.sprites.service(spriteName(stack, voyageId, ship), service),
    /** A shell line that prints the HTTP status of an answer, or 000 when nobody answers. */
    ask: (target: string, options = "--max-time 10") =>
      `curl -s -o /dev/null -w '%{http_code}' ${options} http://${target} || true`,
    /** Starts a server at the captain; the function that it returns ends it. */
    async listen(port: number): Promise<() => void> {
      const server = createServer((_request, response) => response.end()).listen(port, "127.0.0.1");
      await once(server, "listening");
      return () => void server.close();
    },
    /** The machine's tailscaled, if there is one. */
    machine,
    async close() {
      try {
        // This comes first, because the folder that knows of the node goes with the rest.
        if (!machine) await leaveOwnNode(tailnetControl(headscale.config), voyageId);
      } finally {
        await quay.close();
      }
      await machine?.close();
      delete process.env.OCAPTAIN_TAILSCALE_SOCKET;
      await headscale.close();
    },
  };
}

async function startMachine(headscale: Headscale) {
  const machine = await startNode({ tun: true });
  const { key } = JSON.parse(await headscale.run("preauthkeys", "create", "--tags", CAPTAIN_TAG, "--output", "json"));
  await machine.up(headscale.url, "captain", key);
  process.env.OCAPTAIN_TAILSCALE_SOCKET = machine.socket;
  return machine;
}
