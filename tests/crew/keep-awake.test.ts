import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { TestShip, tempFolder } from "../support/test-ship.ts";
import { SOON, StandInHelm, type StandInTask } from "./stand-in-helm.ts";

let helm: StandInHelm;
let ship: TestShip;
let sprite: Server | undefined;
/** A stand-in for the socket of the VM's API: what it was asked, and the holds that it knows. */
let asked: string[];
let holds: Map<string, unknown>;

async function voyage(options: { putIsUpsert: boolean }, ...tasks: StandInTask[]): Promise<Record<string, string>> {
  const folder = tempFolder();
  helm = new StandInHelm(folder, tasks);
  await helm.start();
  ship = new TestShip(folder);
  await ship.install(helm.url, helm.token);
  asked = [];
  holds = new Map();
  const path = join(folder, "s.sock");
  sprite = createServer(async (req, res) => {
    let text = "";
    for await (const chunk of req) text += chunk;
    const { name, expire } = JSON.parse(text || "{}");
    asked.push(`${req.method} ${req.url} ${req.headers.host}`);
    if (req.method === "DELETE") return void res.writeHead(holds.delete(req.url!.split("/").at(-1)!) ? 204 : 404).end();
    if (req.method === "PUT" && !options.putIsUpsert && !holds.has(name)) return void res.writeHead(404).end("{}");
    holds.set(name, expire);
    res.writeHead(req.method === "POST" ? 201 : 200).end("{}");
  });
  await new Promise<void>((resolve) => sprite!.listen(path, resolve));
  return { OCAPTAIN_SPRITE_SOCKET: path };
}

afterEach(async () => {
  await ship.remove();
  await helm.stop();
  sprite?.close();
});

describe("the hold", () => {
  test.each([true, false])(
    "is taken while working, bounded, and given back at the end (PUT is an upsert: %s)",
    async (putIsUpsert) => {
      const env = await voyage(
        { putIsUpsert },
        { id: "1", subject: "Wait", rehearsal: 'while [ ! -e "$HOME/go" ]; do sleep 0.05; done' },
      );
      const child = ship.start(env);
      await helm.until("the hold", () => holds.size === 1);
      expect([...holds.values()]).toEqual(["2m"]);
      writeFileSync(join(ship.home, "go"), "");
      expect(await ship.ended(child)).toBe(0);
      expect(holds.size).toBe(0);
      expect(asked.every((line) => line.endsWith(" sprite"))).toBe(true);
    },
  );

  test("is not taken before a heartbeat was acknowledged, and is given back when the helm falls silent", async () => {
    const env = await voyage({ putIsUpsert: true }, { id: "1", subject: "Wait", rehearsal: "sleep 60" });
    helm.timing.fenceSeconds = SOON;
    helm.away = true;
    const child = ship.start(env);
    await helm.until("more than one try", () => helm.turnedAway.length > 1);
    expect(asked).toEqual([]);
    helm.away = false;
    await helm.until("the hold", () => holds.size === 1);
    helm.away = true;
    await helm.until("given back", () => holds.size === 0);
    child.kill("SIGTERM");
    expect(await ship.ended(child)).toBe(0);
  });

  test("is given back while waiting has no end: after lingerSeconds the crew ends", async () => {
    const env = await voyage({ putIsUpsert: true }, { id: "1", subject: "Held by another", rehearsal: "true" });
    helm.row("1").status = "blocked";
    expect(await ship.ended(ship.start(env))).toBe(0);
    expect(holds.size).toBe(0);
    expect(helm.presences.size).toBe(0);
  });
});
