import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Gatekeeper } from "../../crew/gates/gatekeeper.ts";
import { takeNudges } from "../../crew/gates/nudges.ts";
import { tempFolder } from "../support/test-ship.ts";

let crew: string;
beforeEach(() => {
  crew = tempFolder();
  mkdirSync(join(crew, "nudges"));
});
afterEach(() => rmSync(crew, { recursive: true, force: true }));
const leave = (name: string, words: string) => writeFileSync(join(crew, "nudges", name), words);

test("what is left for a claim is taken once, in order; for an earlier claim it is thrown away, and what is no file is not read", () => {
  expect(takeNudges(join(crew, "none"), "7", 2)).toBeNull();
  leave("7-2.20", "and then that");
  leave("7-2.10", "First this\n");
  leave("7-1.10", "too late");
  leave(".7-2.30", "half writ");
  symlinkSync("/etc/hostname", join(crew, "nudges", "7-2.40"));
  expect(takeNudges(crew, "7", 2)).toBe("The captain says, while you work:\n\nFirst this\n\nand then that");
  expect(takeNudges(crew, "7", 2)).toBeNull();
  expect(existsSync(join(crew, "nudges", "7-1.10"))).toBe(false);
  expect(existsSync(join(crew, "nudges", ".7-2.30"))).toBe(true);
});

test("the next tool is refused with the captain's words, and so is what would end the task; after the task is accepted nothing is", async () => {
  const offered: string[] = [];
  const keeper = new Gatekeeper({
    task: "7",
    ship: "ship-0",
    offer: async (summary) => {
      offered.push(summary);
      return { kind: "accepted", tip: "", summary };
    },
    merge: async () => [],
    unresolved: async () => [],
    nudge: () => takeNudges(crew, "7", 1),
    spent: () => null,
  });
  const tool = (tool_name: string, tool_input: object) =>
    keeper.judge({ hook_event_name: "PreToolUse", tool_name, tool_input: { ...tool_input } });
  const says = (words: string) => expect.stringContaining(words);
  expect(await tool("Bash", { command: "ls" })).toEqual({ allow: true });
  leave("7-1.1", "one");
  expect(await tool("Bash", { command: "ls" })).toEqual({ allow: false, reason: says("one") });
  leave("7-1.2", "two");
  expect(await tool("TaskCreate", {})).toEqual({ allow: false, reason: says("two") });
  leave("7-1.3", "three");
  const complete = () => tool("TaskUpdate", { taskId: "7", status: "completed" });
  expect(await complete()).toEqual({ allow: false, reason: says("three") });
  expect(offered).toEqual([]);
  leave("7-1.4", "four");
  const stop = { hook_event_name: "Stop", last_assistant_message: "BLOCKED: no" };
  expect(await keeper.judge(stop)).toEqual({ allow: false, reason: says("four") });
  expect(keeper.end).toBeNull();
  expect(await complete()).toEqual({ allow: true });
  leave("7-1.5", "too late");
  expect(await keeper.judge(stop)).toEqual({ allow: true });
});
