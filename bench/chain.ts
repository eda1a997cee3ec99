/**
 * `unshare --net node bench/chain.ts [changes]` (as root; docs/bench.md) measures how long a change on a ship takes
 * until another ship sees it, by way of the captain, over a tailnet against loopback. Two voyages are at sea at one
 * time, each with a captain's machine of its own (chain-voyage.ts), and change in turns, so that a slow moment of the
 * machine strikes both of a pair.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Change } from "./chain-voyage.ts";
import { type Mesh, openMeshes } from "./mesh.ts";
import { median, percentile } from "./numbers.ts";
import { whereAndWhen } from "./report.ts";

const MESHES = ["none", "tailscale"] as const;
/** How long the first changes of a sync may take, which can wait for its poll (docs/facts/mutagen.md#times). */
const UNCOUNTED = 3;
type Voyage = Awaited<ReturnType<typeof sail>>;
type Pair = Record<Mesh, Change>;
const changes = Number(process.argv[2] ?? 30);
const say = (text: string) => process.stderr.write(`${text}\n`);

const where = { ...whereAndWhen([]), command: `unshare --net node bench/chain.ts ${changes}` };
const meshes = await openMeshes();
const voyages: Voyage[] = [];
try {
  for (const mesh of MESHES) voyages.push(await sail(mesh));
  const pairs: Pair[] = [];
  for (let i = -UNCOUNTED; i < changes; i++) {
    const pair = {} as Pair;
    for (const { mesh, change } of i % 2 === 0 ? voyages : voyages.toReversed()) pair[mesh] = await change();
    if (i >= 0) pairs.push(pair);
    const [none, tailnet] = MESHES.map((mesh) => `${Math.round(pair[mesh].shipMs)} ms`);
    say(`${i < 0 ? "not counted" : `${i + 1}/${changes}`}: ${none}; in a tailnet ${tailnet}`);
  }
  console.log(JSON.stringify(where));
  console.log(table(pairs));
} finally {
  await Promise.all(voyages.map(({ end }) => end()));
  await meshes.close();
}
process.exit();

/** Brings a voyage to sea, and resolves when its two ships are at work. */
async function sail(mesh: Mesh) {
  const { config, env } = meshes.sea(mesh);
  say(`up, ${mesh === "none" ? "on loopback" : "in a tailnet"}`);
  const args = [JSON.stringify(config), JSON.stringify(env), String(UNCOUNTED + changes)];
  const child = fork(join(import.meta.dirname, "chain-voyage.ts"), args);
  const ended = once(child, "exit");
  const broken = ended.then(() => {
    throw new Error("a voyage ended before its time");
  });
  const answer = async () => ((await Promise.race([once(child, "message"), broken])) as unknown[])[0];
  await answer();
  return {
    mesh,
    async change(): Promise<Change> {
      child.send("change");
      return (await answer()) as Change;
    },
    /** Destroys the voyage. */
    async end(): Promise<void> {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

function table(pairs: Pair[]): string {
  const rows = [
    ["to the other ship, all of it", ({ shipMs }: Change) => shipMs],
    ["of it to the captain's task file: commit, push, accept", ({ captainMs }: Change) => captainMs],
    ["of it from there to the other ship: Mutagen", ({ captainMs, shipMs }: Change) => shipMs - captainMs],
  ] as const;
  const ms = (values: number[]) => `${Math.round(median(values))} · ${Math.round(percentile(values, 0.9))} ms`;
  const lines = rows.map(([what, of]) => {
    const ratios = pairs.map((pair) => of(pair.tailscale) / of(pair.none));
    const each = MESHES.map((mesh) => ms(pairs.map((pair) => of(pair[mesh]))));
    return `| ${[what, ...each, `${median(ratios).toFixed(2)} · ${percentile(ratios, 0.9).toFixed(2)} ×`].join(" | ")} |`;
  });
  return [
    `| a change on a ship, ${pairs.length} times (median · p90) | loopback | in a tailnet | ratio |`,
    "|---|---|---|---|",
    ...lines,
  ].join("\n");
}
