import { open } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";

type OnResource = { metadata: { op: string; urn: string; type: string } };

/** The parts of an engine event that we look at (`apitype/events.go` of pulumi 3). */
export type EngineEvent = {
  resourcePreEvent?: OnResource;
  resOutputsEvent?: OnResource;
  resOpFailedEvent?: OnResource;
  diagnosticEvent?: { message: string; severity: string; ephemeral?: boolean };
  summaryEvent?: { resourceChanges?: Record<string, number> };
};

/**
 * Reads the engine's event log, a file of JSON lines, while it grows, until `ended`. The writer gives no sign, so it is
 * looked at ten times a second.
 */
export async function followEvents(file: string, ended: Promise<unknown>, onEvent: (event: EngineEvent) => void): Promise<void> {
  const over = ended.then(
    () => true,
    () => true,
  );
  // A look may end in the middle of a character, whose other bytes the next look reads.
  const decoder = new StringDecoder("utf8");
  let text = "";
  let at = 0;
  for (let last = false; ; last = await Promise.race([over, sleep(100, false)])) {
    const handle = await open(file, "r").catch(() => null);
    if (handle) {
      const { size } = await handle.stat();
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(size - at), 0, size - at, at);
      await handle.close();
      at += bytesRead;
      const lines = `${text}${decoder.write(buffer.subarray(0, bytesRead))}`.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) if (line) onEvent(JSON.parse(line) as EngineEvent);
    }
    if (last) return;
  }
}
