import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { latencyProfile } from "../../harbor/sprites/latency.ts";

const { createMs, wakeFreshMs, execMs } = latencyProfile("realistic");

/**
 * The longest chain of waiting that no program can avoid: a VM is made, its first exec wakes it and puts the crew
 * there, another exec starts the crew, which must know the syncs. Everything else takes no time.
 */
const WAIT_MS: Record<string, number> = { sprite: createMs + wakeFreshMs + execMs, launch: execMs };

type Bag = { name: string; needs?: string[] };

export const check = (news: Bag) => ({ inputs: news, failures: [] });
export const diff = (olds: Bag, news: Bag) => ({ changes: olds.name !== news.name });
export const read = (id: string, props: Bag) => ({ id, props });
export const remove = () => {};

export async function create(kind: string, news: Bag) {
  await sleep(WAIT_MS[kind] ?? 0);
  const id = randomUUID();
  return { id, outs: { ...news, made: id } };
}
