import { expect } from "vitest";
import { bash, complete, update } from "./model.ts";
import type { Conversation, Turn } from "./stand-in-api.ts";

/** The ship that a conversation is on. */
export const shipOf = (talk: Conversation) => /hand of (ship-\d+)/.exec(talk.system)?.[1] ?? "";

/**
 * A model of interactive sessions that works the list off by itself: it looks at the list, claims the first task that
 * is free, writes `out/<id>`, and completes it. The first `together` sessions that choose do so at once.
 */
export function selfStarter(together = 1) {
  const ships = new Map<string, { next: "list" | "choose" | "claimed" | "worked" | "completed"; task: string }>();
  let choosing = 0;
  return async (talk: Conversation): Promise<Turn> => {
    const ship = shipOf(talk);
    const mind = ships.get(ship) ?? { next: "list", task: "" };
    ships.set(ship, mind);
    const last = talk.results.at(-1);
    const list = (): Turn => {
      mind.next = "choose";
      return { tools: [{ name: "TaskList", input: {} }] };
    };
    if (mind.next === "list" || (mind.next === "claimed" && last?.isError)) return list();
    if (mind.next === "choose") {
      const lines = last!.text.split("\n").filter((line) => line.includes("[pending]") && !line.includes("[blocked by"));
      const free = lines.map((line) => /#(\d+)/.exec(line)![1]!);
      mind.next = free.length > 0 ? "claimed" : "list";
      if (free.length === 0) return { text: "Nothing is free." };
      // The first time, all of them choose at once, and they choose the same task.
      choosing++;
      await expect.poll(() => choosing >= together, { timeout: 60_000 }).toBe(true);
      mind.task = free[0]!;
      return update(mind.task, { status: "in_progress" });
    }
    if (mind.next === "claimed") {
      mind.next = "worked";
      return bash(`mkdir -p out; echo ${mind.task} >> out/${mind.task}`);
    }
    if (mind.next === "worked") {
      mind.next = "completed";
      return complete(mind.task);
    }
    if (last?.isError) mind.next = "worked";
    return list();
  };
}
