import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type EngineEvent, followEvents } from "../../cli/pulumi/engine-events.ts";

const line = (message: string) => `${JSON.stringify({ diagnosticEvent: { message, severity: "info" } })}\n`;

test("a line of the engine's that is seen in two parts is read as one, also where it is cut inside of a character", async () => {
  const folder = await mkdtemp(join(tmpdir(), "oe-"));
  try {
    const log = join(folder, "events");
    const second = Buffer.from(line("sea ⛵ sails"));
    const cut = second.indexOf(Buffer.from("⛵")) + 1;
    await writeFile(log, Buffer.concat([Buffer.from(line("first")), second.subarray(0, cut)]));
    const seen: string[] = [];
    // The first line is told in the look that has read the first part of the second.
    await new Promise<void>((done, failed) => {
      const append = async (event: EngineEvent, ended: () => void) => {
        seen.push(event.diagnosticEvent?.message ?? "");
        if (seen.length === 1) await appendFile(log, second.subarray(cut)).then(ended, failed);
      };
      let end = () => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      followEvents(log, ended, (event) => void append(event, end)).then(done, failed);
    });
    expect(seen).toEqual(["first", "sea ⛵ sails"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
