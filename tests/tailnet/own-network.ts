import { networkInterfaces } from "node:os";
import { execa } from "execa";

/** The address where the test's headscale listens, which is in the test's own namespace, and so no other machine's. */
export const HEADSCALE_HOST = "10.99.0.1";

/**
 * Says why these tests cannot be run here, or gives null when they can. Their servers listen on addresses that ships
 * reach, and those must be on no interface of the machine.
 */
export function noOwnNetwork(): string | null {
  if (process.getuid?.() !== 0) return "root is needed, for network namespaces";
  // A machine has other interfaces too; those named here are what a test before this one may have left.
  const others = Object.keys(networkInterfaces()).filter((name) => !/^(lo|v[01]|oc[0-9a-f]{8}.*|tailscale9)$/.test(name));
  return others.length === 0 ? null : "a network namespace of its own is needed: npm test -- tailnet";
}

/**
 * Makes an interface that is up and has an address, without which tailscaled takes itself to be off line. It is a veth
 * pair, because a kernel may lack dummies.
 */
export async function openNetwork(): Promise<void> {
  if (networkInterfaces().v0) return;
  const commands = [
    "link set lo up",
    "link add v0 type veth peer name v1",
    `address add ${HEADSCALE_HOST}/24 dev v0`,
    "link set v0 up",
    "link set v1 up",
  ];
  await execa("ip", ["-batch", "-"], { input: commands.join("\n"), timeout: 10_000 });
}
