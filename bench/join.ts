/**
 * `unshare --net node bench/join.ts [ships]` (as root; docs/bench.md) measures how long a ship takes to join a tailnet,
 * from a ship without tailscale until the captain's ssh finds it. Ships join one after the other. Headscale and the
 * captain's own node are real, and harbor ships have networks of their own.
 */
import { execa } from "execa";
import { openTailnetVoyage } from "../tests/tailnet/tailnet-voyage.ts";
import { median, timed } from "./numbers.ts";
import { whereAndWhen } from "./report.ts";

const ships = Number(process.argv[2] ?? 6);
const where = { ...whereAndWhen([]), command: `unshare --net node bench/join.ts ${ships}` };
await execa("ip", ["link", "set", "lo", "up"]);
const quay = await openTailnetVoyage();
const first: number[] = [];
const anew: number[] = [];
const nothing: number[] = [];
try {
  for (let i = 0; i < ships; i++) {
    const { node, outs, seconds } = await quay.join(`ship-${i}`);
    first.push(seconds);
    nothing.push(await timed(() => node.update(outs)));
    await quay.control.deleteNode(outs.nodeId);
    anew.push(await timed(() => node.update(outs)));
    process.stderr.write(`ship-${i}: joined in ${seconds.toFixed(1)} s, anew in ${anew.at(-1)!.toFixed(1)} s\n`);
  }
} finally {
  await quay.close();
}
console.log(JSON.stringify(where));
console.log(`| ${ships} ships, one after the other (median) | seconds |\n|---|---|`);
for (const [what, seconds] of [
  ["first join", first],
  ["its node removed, joined anew", anew],
  ["nothing to do", nothing],
] as const)
  console.log(`| ${what} | ${median(seconds).toFixed(1)} s |`);
process.exit();
