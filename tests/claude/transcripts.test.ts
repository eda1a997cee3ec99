import { afterEach, expect, test } from "vitest";
import { INSTALL_MS } from "../support/claude/claude-cli.ts";
import { bash, complete, steps } from "../support/claude/model.ts";
import type { Turn } from "../support/claude/stand-in-api.ts";
import type { TestShip } from "../support/test-ship.ts";
import { allDone, ClaudeFleet } from "./fleet.ts";

let fleet: ClaudeFleet;
afterEach(() => fleet?.close());

test(
  "what a task's subagents did is among the logs, beside the session's transcript, by its name",
  async () => {
    fleet = await ClaudeFleet.sail([{ id: "1" }], 1);
    const [ship] = fleet.ships as [TestShip];
    const sound = (side: string): Turn => {
      const input = { description: "sound", prompt: `Sound the ${side} side.`, subagent_type: "general-purpose" };
      return { tools: [{ name: "Agent", input: { ...input, run_in_background: false } }] };
    };
    const work = steps(sound("port"), sound("starboard"), bash("mkdir -p out; echo 1 > out/1"), complete("1"), { text: "done" });
    fleet.api.script = (talk) => (talk.task ? work(talk) : { text: `Sounded: ${/Sound the (\w+) side/.exec(talk.prompt)?.[1]}` });
    fleet.startAll();
    await fleet.until("done", allDone);
    const sounded = () => {
      const logs = Object.entries(fleet.logs(ship));
      const ofAgents = logs.filter(([name]) => /^transcripts\/task-1-1-[0-9a-f-]{36}\.agent-[^/]+\.jsonl$/.test(name));
      return ofAgents.map(([, text]) => /Sounded: \w+/.exec(text)?.[0]).sort();
    };
    // The run ends after its task, and the last copy is made then.
    await expect.poll(sounded, { interval: 100 }).toEqual(["Sounded: port", "Sounded: starboard"]);
    expect(fleet.logs(ship)["transcripts/task-1-1"]).toContain("Sound the port side.");
  },
  INSTALL_MS + 120_000,
);
